"""A Hugging Face training on two processes whose loss is NaN from a step on: FOLDER. Prints the last step of each."""

import sys
from pathlib import Path

from diagnose.integrations.huggingface import DoctorCallback
from tests.integrations.test_huggingface import trained

if __name__ == "__main__":
    callback = DoctorCallback(stop="error", share=1e9, config={"learning_rate": 1e-2, "batch_size": 64})
    trainer = trained(Path(sys.argv[1]), callback, steps=200, breaks_at=80)
    print(f"process {trainer.args.process_index} ended at {trainer.state.global_step}", flush=True)
