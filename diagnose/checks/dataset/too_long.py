from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey


class TooLong(ClipFault):
    """A clip longer than 30 s.

    ## Why it matters
    Memory grows with the square of the length; F5-TTS and many others leave such clips out silently.

    ## How it is detected
    From the length in the header.

    ## What to do
    Cut them between sentences, or delete their lines.

    ## Blind spots
    The limit of your own trainer.
    """

    code = "DAT107"
    meaning = "longer than 30 s, which fills the memory; many trainers drop such clips silently"
    notable: float = 0.01
    """Share of the clips below which it is only a note. Source: our choice: quality suffers, nothing breaks."""
    longest: float = 30.0
    """Seconds. Source: F5-TTS leaves out clips above 30 s (its model/dataset.py)."""

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(survey, lambda one: when(one.seconds > self.longest, f"{one.seconds:.1f} s"))
