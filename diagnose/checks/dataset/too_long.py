"""DAT107: a clip longer than 30 s."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey
from diagnose.data.speech import LONGEST_SECONDS


@dataclass(frozen=True)
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
    name = "too-long"
    meaning = "longer than 30 s, which fills the memory; many trainers drop such clips silently"
    advice = "cut them between sentences, or delete their lines"
    tolerable = True

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(survey, lambda one: when(one.seconds > LONGEST_SECONDS, f"{one.seconds:.1f} s"))
