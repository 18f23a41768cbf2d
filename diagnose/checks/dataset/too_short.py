from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey


class TooShort(ClipFault):
    """A clip shorter than 0.3 s.

    ## Why it matters
    It hardly holds a word; F5-TTS leaves such clips out.

    ## How it is detected
    From the length in the header.

    ## What to do
    Delete these lines from the list.

    ## Blind spots
    Clips of silence around a word.
    """

    code = "DAT106"
    meaning = "shorter than 0.3 s"
    notable: float = 0.01
    """Share of the clips below which it is only a note. Source: our choice: quality suffers, nothing breaks."""
    shortest: float = 0.3
    """Seconds. Source: F5-TTS leaves out clips below 0.3 s (its model/dataset.py): they hardly hold a word."""

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(
            survey, lambda one: when(one.header is not None and one.seconds < self.shortest, f"{one.seconds:.2f} s")
        )
