"""What a person chooses from when a data set is made. Apart, so that `--help` need not load numpy."""

from __future__ import annotations

from enum import Enum


class Voice(str, Enum):
    """Who speaks."""

    AUTO = "auto"
    """espeak-ng where it is installed, else the built-in voice."""
    ESPEAK = "espeak"
    BUILTIN = "builtin"


class Change(str, Enum):
    """What is done to a clip. The ranges leave a voice the same voice."""

    GAIN = "gain"
    """Up to 6 dB louder or softer."""
    NOISE = "noise"
    """White noise 25 to 40 dB below the speech."""
    SPEED = "speed"
    """5 to 10 % faster or slower at the same pitch (0.9 to 1.1: Ko et al. 2015)."""
    PITCH = "pitch"
    """Half a semitone to one higher or lower at the same speed."""


HARMLESS = (Change.GAIN, Change.SPEED)
"""A model learns to speak with the noise and the pitch of its clips, so those two have to be asked for."""
