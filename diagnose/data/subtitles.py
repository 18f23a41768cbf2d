"""Read SubRip (.srt) and WebVTT (.vtt) subtitles, as people really write them.

Not pysubs2, which was tried: it drops the sign of a negative time and keeps the cue, adds the NOTE, STYLE and
cue names of WebVTT to the text of the cue before, drops a last line that is a number, and forgets line numbers.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from diagnose.data.ljspeech import Rejected
from diagnose.errors import DataError

LARGEST_BYTES = 64 * 1024 * 1024
"""A day of dense subtitles is about 2 MB; what is larger is no subtitle file."""

# At most six digits of hours, so that no number is too long to convert.
_TIME = (
    r"(?P<{0}sign>[-\u2212]?)\s*(?:(?P<{0}h>[0-9]{{1,6}})\s*:)?\s*(?P<{0}m>[0-9]{{1,2}})\s*:\s*"
    r"(?P<{0}s>[0-9]{{1,2}})(?:\s*[.,]\s*(?P<{0}f>[0-9]{{1,9}}))?"
)
_TIMES = re.compile(r"\s*" + _TIME.format("start_") + r"\s*-->\s*" + _TIME.format("end_") + r"(?:\s.*)?$")
_LONGEST_TIMES = 200  # characters: a line of times with all WebVTT settings has about 80
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^\s<>][^<>]*)>")
_WORD_TIME = re.compile(r"<[0-9:]{5,12}\.[0-9]{3}>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[0-9:.]+>|\{\\[^{}]*\}")
_SOUNDS = re.compile(r"\[[^\[\]]*\]")
_ASIDE = re.compile(r"\([^()]*\)|\*[^*]*\*")
_DASH = re.compile(r"^[-\u2010-\u2015]+\s*")


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: what is said, from when to when."""

    start: float
    """Seconds."""
    end: float
    """Seconds, after `start`."""
    text: str
    """One line without tags."""
    speaker: str | None
    """From WebVTT's voice tag."""
    line: int
    """The line of its times, from 1."""


@dataclass(frozen=True, slots=True)
class Subtitles:
    """The cues of a file by start time, and what of it could not be used."""

    cues: tuple[Cue, ...]
    rejected: tuple[Rejected, ...]
    encoding: str
    """The encoding that was detected."""


def read(path: Path, encoding: str | None = None) -> Subtitles:
    """Read a subtitle file. `encoding` None: by its byte order mark, else UTF-8, else Windows-1252.

    Raises DataError where it cannot be read or has no cue at all.
    """
    text, used = _decode(path, encoding)
    found = list(_parse(path, re.split(r"\r\n|\n|\r", text)))
    if not found:
        raise DataError(f"{path}: no subtitles here (no line like 00:00:01,000 --> 00:00:02,500)")
    cues = sorted((each for each in found if isinstance(each, Cue)), key=lambda cue: cue.start)
    return Subtitles(tuple(cues), tuple(each for each in found if isinstance(each, Rejected)), used)


def _decode(path: Path, encoding: str | None) -> tuple[str, str]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataError(f"{path}: too large for subtitles")
        raw = path.read_bytes()
        if encoding:
            return raw.decode(encoding).removeprefix("\ufeff"), encoding
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except (LookupError, UnicodeError) as error:
        raise DataError(f"{path}: not in {encoding}; name its encoding with --encoding") from error
    return _decode_guessing(raw)


def _decode_guessing(raw: bytes) -> tuple[str, str]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), "utf-16"
    if b"\0" in raw[:2]:  # every other byte of the digits and arrows is zero
        order = "utf-16-be" if raw[:1] == b"\0" else "utf-16-le"
        return raw.decode(order, errors="replace"), order
    try:
        return raw.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), "windows-1252"


def _parse(path: Path, lines: Sequence[str]) -> Iterator[Cue | Rejected]:
    web = lines[0].strip().startswith("WEBVTT")
    # Captions made by machine show each line twice, first alone and then above the next one; the times between
    # their words give them away.
    rolling = web and any(_WORD_TIME.search(line) for line in lines)
    shown: list[str] = []
    arrows = [number for number, line in enumerate(lines) if "-->" in line]
    for number, following in zip(arrows, [*arrows, len(lines)][1:], strict=True):
        body = _body(lines[number + 1 : following], web=web, last=following == len(lines))
        if rolling:
            words = [_TAG.sub("", line) for line in shown]
            shown, body = body, [line for line in body if _TAG.sub("", line) not in words]
            if shown and not body:
                continue
        yield _cue(f"{path}:{number + 1}", number + 1, lines[number], body)


def _body(lines: Sequence[str], *, web: bool, last: bool) -> list[str]:
    """The text of a cue, of the lines up to the next one's times."""
    if web:  # ends at a blank line; after that come notes, styles, and the next cue's name
        blank = next((number for number, line in enumerate(lines) if not line), len(lines))
        return [line.strip() for line in lines[:blank] if line.strip()]
    numbered = not last and bool(lines) and lines[-1].strip().isdigit()
    return [line.strip() for line in (lines[:-1] if numbered else lines) if line.strip()]


def _cue(where: str, line: int, times: str, body: Sequence[str]) -> Cue | Rejected:
    text = _spoken_text(body)
    found = _TIMES.match(times[:_LONGEST_TIMES])
    if not found:
        return Rejected(where, "unreadable times", text, times.strip()[:60])
    start, end = _seconds(found, "start_"), _seconds(found, "end_")
    if start < 0 or end < 0:
        return Rejected(where, "negative time", text, times.strip()[:60])
    if end <= start:
        return Rejected(where, "ends before it starts", text, times.strip()[:60])
    if not text:
        return Rejected(where, "no speech in it", " ".join(body))
    voice = _VOICE.search(" ".join(body))
    return Cue(start, end, text, voice.group(1).strip() if voice else None, line)


def _seconds(found: re.Match[str], which: str) -> float:
    hours, minutes, seconds, fraction = (found[which + part] or "0" for part in "hmsf")
    value = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
    return -value if found[which + "sign"] else value


def _spoken_text(body: Sequence[str]) -> str:
    """The words of a cue in one line; nothing for a song, a noise or an aside."""
    words = " ".join(_DASH.sub("", _SOUNDS.sub(" ", html.unescape(_TAG.sub("", line))).strip()) for line in body)
    words = " ".join(words.split())
    return "" if _ASIDE.fullmatch(words) or "\u266a" in words or "\u266b" in words else words
