from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each
from diagnose.data.inspect import Survey
from diagnose.finding import Severity


class UnreadableAudio(ClipFault):
    """A recording that cannot be read.

    ## Why it matters
    The trainer stops when it reaches the clip, hours later.

    ## How it is detected
    Every file is opened and its first minute read.

    ## What to do
    Convert it again: ffmpeg -i IN -ac 1 -ar 22050 -c:a pcm_s16le OUT.wav

    ## Blind spots
    Damage behind the first minute.
    """

    code = "DAT102"
    meaning = "a recording that cannot be read"
    severity = Severity.ERROR

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(survey, lambda one: one.error or None)
