from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey
from diagnose.finding import Severity


class MissingAudio(ClipFault):
    """A line of the list names a recording that is not there.

    ## Why it matters
    The trainer stops at the first such line, or skips it silently.

    ## How it is detected
    The file of every line is looked for.

    ## What to do
    Correct the paths in the list, or delete these lines.

    ## Blind spots
    A file that is there and empty is unreadable-audio.
    """

    code = "DAT101"
    meaning = "no recording"
    severity = Severity.ERROR

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(survey, lambda one: when(one.header is None and not one.error, f"no {one.clip.audio.name}"))
