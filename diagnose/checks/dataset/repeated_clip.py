from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, repeats
from diagnose.data.inspect import Survey


class RepeatedClip(ClipFault):
    """A recording that is listed more than once.

    ## Why it matters
    It weighs twice in training, and may be on both sides of a split.

    ## How it is detected
    Two lines name the same file.

    ## What to do
    Keep one line for each recording.

    ## Blind spots
    Copies of a file under other names.
    """

    code = "DAT110"
    meaning = "listed more than once"

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return repeats(survey.recordings, lambda clip: str(clip.audio))
