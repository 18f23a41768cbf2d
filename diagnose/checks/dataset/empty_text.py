from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey
from diagnose.data.speech import spoken


class EmptyText(ClipFault):
    """A clip without a text to speak.

    ## Why it matters
    Aligners give NaN or an endless loop on it.

    ## How it is detected
    Nothing is left of the text without punctuation.

    ## What to do
    Write what is said, or delete these lines.

    ## Blind spots
    Text that does not belong to the recording.
    """

    code = "DAT104"
    meaning = "no text to speak"

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(survey, lambda one: when(not spoken(one.clip.text), repr(one.clip.text)))
