"""What the name of a file says of the numbers in it."""

from __future__ import annotations

from functools import lru_cache

from diagnose.readers.roles.tags import GLUED, MEASURES, SIDES, WORD

# A clock or a rate, where that is the last word.
_TIMED = frozenset({"lr", "time", "norm"})


@lru_cache(maxsize=1 << 14)
def measured_in(stem: str) -> tuple[str, str]:
    """What the numbers in a file of this name are, and what else its name says.

    `train_loss` and `lr0.0025` of `lr0.0025train_loss`; nothing, and the name, where it names no measure.
    """
    name = GLUED.sub(r"\1 \2", stem)
    words = list(WORD.finditer(name))
    named = [word[0].casefold() in MEASURES | SIDES or (word is words[-1] and word[0] in _TIMED) for word in words]
    for last in range(len(words) - 1, -1, -1):
        first = last
        while first > 0 and named[first - 1]:
            first -= 1
        some = {word[0].casefold() for word in words[first : last + 1]}
        if named[last] and some & (MEASURES | _TIMED):
            start, stop = words[first].start(), words[last].end()
            return name[start:stop], name[:start] + name[stop:]
    return "", stem
