from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey
from diagnose.data.speech import SILENT_PEAK


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
    meaning = "only silence"
    shortest: float = 0.3
    """Seconds; a shorter clip is too-short."""
    peak: float = SILENT_PEAK
    """Of full scale. Source: 60 dB below it 6 of the 16 bits are left: what is there is the noise of the room."""

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(
            survey, lambda one: when(one.seconds >= self.shortest and one.peak < self.peak, f"peak {one.peak:.5f}")
        )
