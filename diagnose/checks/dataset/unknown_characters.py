from __future__ import annotations

import unicodedata

from diagnose.checks.dataset._fault import ClipFault, Hit
from diagnose.data.inspect import Survey


class UnknownCharacters(ClipFault):
    """A text with characters that the model cannot know.

    ## Why it matters
    They become `unknown` tokens or are dropped: the text no longer fits the audio.

    ## How it is detected
    Against the tokenizer, where there is one; else only characters that no tokenizer can want.

    ## What to do
    Save the list as UTF-8, and write such characters as words or delete them.

    ## Blind spots
    Characters that the tokenizer knows and the model never saw.
    """

    code = "DAT112"
    meaning = "characters that the model cannot know"

    def hits(self, survey: Survey) -> list[Hit]:
        """The clips that have the problem."""
        found = []
        for one in survey.recordings:
            letters = sorted({letter for letter in one.clip.text if _is_unknown(letter, survey.alphabet)})
            if letters:
                found.append((one, " ".join(f"U+{ord(letter):04X}" for letter in letters[:5])))
        return found


# Characters that no tokenizer wants: controls, format marks, private use, unassigned, halves of a pair.
UNSPEAKABLE = ("Cc", "Cf", "Co", "Cn", "Cs")
REPLACEMENT = "\ufffd"


def _is_unknown(letter: str, alphabet: frozenset[str] | None) -> bool:
    if alphabet is not None:
        return letter not in alphabet
    return letter == REPLACEMENT or unicodedata.category(letter) in UNSPEAKABLE
