from __future__ import annotations

from diagnose.checks.dataset._fault import ClipFault, Hit, each, when
from diagnose.data.inspect import Survey
from diagnose.data.speech import ClipAudio, text_beyond_audio


class TextBeyondAudio(ClipFault):
    """More text than the audio can hold.

    ## Why it matters
    Monotonic aligners give NaN on such clips (HierSpeech++ issue 27).

    ## How it is detected
    2 * letters + 1 is more than the frames at 22.05 kHz and hop 256.

    ## What to do
    The text belongs to another recording or the cut is wrong: repair or delete these lines.

    ## Blind spots
    Models with other frame rates.
    """

    code = "DAT105"
    meaning = "more text than the audio can hold, on which aligners give NaN"
    shortest: float = 0.3
    """Seconds; a shorter clip is too-short."""

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        return each(survey, self._beyond)

    def _beyond(self, one: ClipAudio) -> str | None:
        """The letters and the seconds of a clip whose text is too long for it."""
        too_much = one.seconds >= self.shortest and text_beyond_audio(one.clip.text, one.seconds)
        return when(too_much, f"{len(one.clip.text)} characters in {one.seconds:.2f} s")
