from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey


class ClippedAudio(ClipFault):
    """A recording with its tops cut off.

    ## Why it matters
    The model learns the distortion.

    ## How it is detected
    Three or more samples in a row at full scale are a cut-off top; a share of samples above the threshold is on them.

    ## What to do
    Record them again at a lower level, or delete their lines; turning them down does not repair them.

    ## Blind spots
    Clipping before a gain was turned down.
    """

    code = "DAT108"
    meaning = "clipped, and the model learns the distortion"
    notable: float = 0.01
    """Share of the clips below which it is only a note. Source: our choice: quality suffers, nothing breaks."""
    share: float = 0.001
    """Of the samples. Source: measured on 200 clips of espeak-ng turned up beyond full scale: reached by none of them
    at 0.5 dB, by half at 2 dB, by 95 % at 3 dB."""

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(
            survey, lambda one: when(one.clipped > self.share, f"{one.clipped:.1%} of the samples at full scale")
        )
