from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each
from diagnose.data.inspect import Survey


class SeveralChannels(ClipFault):
    """A recording of more than one channel.

    ## Why it matters
    Trainers that expect one read them at the wrong speed or not at all.

    ## How it is detected
    From the header.

    ## What to do
    Mix them down: ttsdoc data merge DIR --out NEW does it.

    ## Blind spots
    Trainers that mix down themselves lose nothing.
    """

    code = "DAT109"
    meaning = "more than one channel; trainers that expect one read them at the wrong speed or not at all"

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(
            survey, lambda one: f"{one.header.channels} channels" if one.header and one.header.channels > 1 else None
        )
