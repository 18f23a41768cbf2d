from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey


class MixedRates(ClipFault):
    """Recordings of more than one sample rate.

    ## Why it matters
    Trainers that do not resample play the others too slow or too fast.

    ## How it is detected
    From the headers: those that are not like most.

    ## What to do
    Bring all to one rate: ttsdoc data merge DIR --out NEW does it.

    ## Blind spots
    Trainers that resample themselves lose nothing.
    """

    code = "DAT113"
    meaning = "another sample rate than the rest; trainers that do not resample play them too slow or too fast"

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        if not survey.rates:
            return []
        usual = max(survey.rates, key=lambda rate: survey.rates[rate])
        return each(
            survey,
            lambda one: when(
                one.header is not None and one.header.rate != usual,
                f"{one.header.rate if one.header else 0} Hz, most have {usual}",
            ),
        )
