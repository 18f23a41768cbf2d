"""A checkpoint and a text become a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diagnose.data.audio import Sound
from diagnose.errors import TrainerError
from diagnose.trainer import checkpoint
from diagnose.trainer.corpus import Vocabulary
from diagnose.trainer.model import SpeechModel
from diagnose.trainer.options import DataOptions, ModelOptions
from diagnose.trainer.tokens import Codec

SLACK = 1.5
"""How much longer than the longest training clip an utterance may become before it is cut."""


@dataclass(frozen=True, eq=False)
class Speaker:
    """A trained model, ready to speak."""

    model: SpeechModel
    codec: Codec
    vocabulary: Vocabulary
    longest: int
    """Speech tokens of the longest clip that it was trained on."""

    def say(self, text: str) -> Sound:
        """The text, spoken. Raises TrainerError for letters that the model has never seen, and for too many."""
        try:
            return self.sound(self.tokens(text))
        except ValueError as error:
            raise TrainerError(str(error)) from error

    def tokens(self, text: str) -> list[int]:
        """The speech tokens of the text. Raises ValueError for characters that the model has never seen."""
        training = self.model.training
        self.model.eval()
        spoken = self.model.speak(self.vocabulary.encode(text), int(self.longest * SLACK))
        self.model.train(training)
        return spoken

    def sound(self, tokens: list[int]) -> Sound:
        """What the speech tokens sound like."""
        return Sound(self.codec.decode(tokens), self.codec.options.sampling_rate)


def load_speaker(path: Path) -> Speaker:
    """The speaker in a checkpoint file. Raises TrainerError where there is none."""
    saved = checkpoint.load(path)
    try:
        model = SpeechModel(ModelOptions(**saved.options["model"]))
        model.load_state_dict(saved.weights)
        codec = Codec(DataOptions(**saved.options["data"]), saved.codebook)
    except (TypeError, KeyError, ValueError, ArithmeticError, RuntimeError) as error:
        raise TrainerError(f"{path}: damaged, or from another version of ttsdoc ({_first_line(error)})") from error
    return Speaker(model.eval(), codec, Vocabulary(saved.characters), saved.longest)


def find_checkpoint(name: str, run_folder: Path | None, log_dir: Path) -> Path:
    """The file that `name` means: a path, or `best`, `last`, `step-N` of a run, the newest below `log_dir`.

    Raises TrainerError where there is none.
    """
    if run_folder is not None or Path(name).is_file():
        return checkpoint.named((run_folder or Path()) / "checkpoints", name)
    found = [] if "/" in name else list(log_dir.glob(f"*/checkpoints/{name}.safetensors"))
    if not found:
        raise TrainerError(f"{name}: no such checkpoint in {log_dir}; train one with `ttsdoc train`, or name a file")
    return max(found, key=lambda path: path.stat().st_mtime)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
