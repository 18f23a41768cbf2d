from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, repeats
from diagnose.data.inspect import Survey
from diagnose.data.speech import spoken
from diagnose.finding import Severity


class RepeatedText(ClipFault):
    """A text that another clip has too.

    ## Why it matters
    No harm in training; in a split it leaks from one side to the other.

    ## How it is detected
    Texts are compared without case, punctuation and spacing.

    ## What to do
    No harm in training; keep them on one side of the split: ttsdoc data split DIR.

    ## Blind spots
    Texts that differ in one word.
    """

    code = "DAT111"
    meaning = "a text that another clip has too"
    severity = Severity.INFO

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        known = {id(one) for one, _ in repeats(survey.recordings, lambda clip: str(clip.audio))}
        once = [one for one in survey.recordings if id(one) not in known and not one.clip.is_copy]
        return repeats(once, lambda clip: spoken(clip.text))
