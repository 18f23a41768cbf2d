"""Short sentences from a closed grammar: about a hundred words, so that held-out clips hold known words."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Grammar:
    """Words by part of speech, and the orders in which they make a sentence."""

    words: Mapping[str, str]
    """Part of speech -> its words, with spaces between them."""
    patterns: Sequence[tuple[str, ...]]
    """Parts of speech in order; a word that is none stays as it is."""

    @property
    def sentence_count(self) -> int:
        """How many different sentences there are."""
        return sum(prod(len(choice) for choice in self._choices(pattern)) for pattern in self.patterns)

    def sentences(self, count: int, seed: int) -> list[str]:
        """`count` different sentences; a larger count begins with those of a smaller one.

        Raises ValueError where the grammar has too few to draw them quickly.
        """
        if count > self.sentence_count // 2:
            raise ValueError(f"at most {self.sentence_count // 2} clips")
        # Only `random()` is promised to give the same numbers on every version of Python.
        draw = random.Random(seed).random  # noqa: S311 - not a secret
        found: dict[str, None] = {}
        while len(found) < count:
            pattern = _pick(self.patterns, draw())
            found.setdefault(" ".join(_pick(choice, draw()) for choice in self._choices(pattern)))
        return list(found)

    def _choices(self, pattern: tuple[str, ...]) -> list[list[str]]:
        return [self.words.get(part, part).split() for part in pattern]


def _pick(items: Sequence[_T], share: float) -> _T:
    return items[int(share * len(items))]


AMHARIC = Grammar(
    words={
        "subject": "ልጁ መምህሩ ገበሬው ነጋዴው ሐኪሙ ተማሪው አባቴ ወንድሜ ጎረቤቴ እንግዳው ሹፌሩ ጓደኛዬ አያቴ አጎቴ",
        "time": "ዛሬ ትናንት ጠዋት ማታ አሁን ሰኞ ማክሰኞ ረቡዕ ሐሙስ ዓርብ ቅዳሜ እሁድ",
        "place": "በቤት በገበያ በከተማ በመንገድ በእርሻ በወንዝ በሱቅ በመንደር በቢሮ በጫካ በተራራ በጣቢያ",
        "quality": "ትልቅ ትንሽ አዲስ አሮጌ ጥሩ ቀይ ነጭ ጥቁር ቆንጆ ርካሽ ውድ ቢጫ",
        "object": "ውሃ ቡና ዳቦ መጽሐፍ ወተት ሻይ ፍሬ ደብዳቤ ማር እንጀራ ሥጋ አበባ በግ ፈረስ ዓሣ ልብስ",
        "transitive": "ገዛ ሸጠ ወሰደ ሰጠ አየ ፈለገ አመጣ አገኘ ላከ ወደደ ያዘ ደበቀ ቆጠረ ረሳ ጠየቀ",
        "intransitive": "መጣ ሄደ ተኛ ሳቀ ሮጠ ቆመ ተቀመጠ ዘፈነ ሠራ አረፈ",
    },
    patterns=(
        ("subject", "object", "transitive"),
        ("subject", "quality", "object", "transitive"),
        ("time", "subject", "object", "transitive"),
        ("time", "subject", "place", "intransitive"),
    ),
)

ENGLISH = Grammar(
    words={
        "subject": "farmer teacher doctor child merchant student driver neighbour guest baker sailor painter",
        "time": "today yesterday sometimes finally suddenly later often again",
        "place": "market river village office forest station garden kitchen harbour mountain road school",
        "quality": "large small new old good red white black cheap yellow sweet heavy",
        "object": "water coffee bread books milk tea fruit letters honey meat flowers sheep horses fish",
        "transitive": "bought sold took gave saw wanted brought found sent liked held hid counted forgot",
        "intransitive": "came left slept laughed ran stood sat sang worked rested waited smiled",
    },
    patterns=(
        ("the", "subject", "transitive", "object"),
        ("the", "subject", "transitive", "quality", "object"),
        ("time", "the", "subject", "transitive", "object"),
        ("the", "subject", "intransitive", "near", "the", "place"),
    ),
)

GRAMMARS: Mapping[str, Grammar] = {"am": AMHARIC, "en": ENGLISH}
"""By language code, as espeak-ng knows it."""
