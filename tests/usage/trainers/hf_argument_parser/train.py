import os
import sys
from dataclasses import dataclass, field
from typing import Optional

from transformers import AutoModel, HfArgumentParser, Trainer, TrainingArguments


@dataclass
class ModelArguments:
    model_name_or_path: str = field(metadata={"help": "where"})
    p_dropout: float = field(default=0.1, metadata={"help": "dropout"})


@dataclass
class DataArguments:
    train_file: Optional[str] = field(default=None)
    max_length: int = field(default=512)


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, TrainingArguments))
    if len(sys.argv) == 2 and sys.argv[1].endswith(".yaml"):
        model_args, data_args, training_args = parser.parse_yaml_file(os.path.abspath(sys.argv[1]))
    else:
        model_args, data_args, training_args = parser.parse_args_into_dataclasses()
    model = AutoModel.from_pretrained(model_args.model_name_or_path)
    lines = [line[: data_args.max_length] for line in open(data_args.train_file)]
    trainer = Trainer(model=model, args=training_args, train_dataset=lines)
    trainer.train()


if __name__ == "__main__":
    main()
