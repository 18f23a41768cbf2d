"""DAT103: a recording of silence."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey
from diagnose.data.speech import SHORTEST_SECONDS, SILENT_PEAK


@dataclass(frozen=True)
class SilentAudio(ClipFault):
    """A recording of silence.

    ## Why it matters
    The model learns that text means silence.

    ## How it is detected
    The highest sample is more than 60 dB below full scale: 6 of 16 bits are left.

    ## What to do
    Record or cut them again, or delete their lines.

    ## Blind spots
    Noise without speech.
    """

    code = "DAT103"
    name = "silent-audio"
    meaning = "only silence"
    advice = "record or cut them again, or delete their lines"

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(
            survey, lambda one: when(one.seconds >= SHORTEST_SECONDS and one.peak < SILENT_PEAK, f"peak {one.peak:.5f}")
        )
