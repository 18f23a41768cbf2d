"""Speech from the program espeak-ng, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from diagnose.data.audio import Sound, read
from diagnose.errors import DataError


def installed() -> bool:
    """Whether the program is on this machine."""
    return shutil.which("espeak-ng") is not None


def speak(text: str, language: str) -> Sound:
    """The text as 22.05 kHz speech in the voice of `language` (`am`, `en`). Raises DataError."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise DataError("espeak-ng is not on this machine: install it, or use the built-in voice")
    # To a file and not through a pipe: the header of a piped wav cannot know its length.
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "speech.wav")
        command = [program, "-v", language, "-w", str(target), "--stdin"]
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        if done.returncode or not target.exists():
            raise DataError(f"espeak-ng failed: {done.stderr.decode(errors='replace').strip() or done.returncode}")
        return read(target)
