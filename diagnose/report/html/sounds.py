"""Sounds that a run logged, as players: chosen, bounded, and known by their first bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diagnose.run import Attachment, Run

MOST_SOUNDS = 12
MOST_BYTES = 2_000_000
"""Of one sound: 45 s of 16-bit mono at 22 kHz."""
MOST_BYTES_IN_ALL = 8_000_000
KINDS = ((b"RIFF", "audio/wav"), (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"), (b"ID3", "audio/mpeg"))


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound of a step."""

    tag: str
    step: int
    content: bytes

    @property
    def mime(self) -> str | None:
        """The kind by the first bytes; None for what no browser plays."""
        return next((mime for start, mime in KINDS if self.content.startswith(start)), None)

    @property
    def address(self) -> str:
        """A data address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode('ascii')}"


def wanted(run: Run, best_step: int | None) -> list[Attachment]:
    """For each tag the last sound and the one nearest to the best step, in the order of tags and steps."""
    tags: dict[str, list[Attachment]] = {}
    for attachment in run.attachments:
        if attachment.kind == "audio":
            tags.setdefault(attachment.tag, []).append(attachment)
    chosen: list[Attachment] = []
    for sounds in tags.values():
        near = sounds[-1] if best_step is None else min(sounds, key=lambda sound: abs(sound.step - best_step))
        chosen += sorted({id(one): one for one in (near, sounds[-1])}.values(), key=lambda sound: sound.step)
    return chosen[:MOST_SOUNDS]


def playable(attachments: Iterable[Attachment]) -> Iterator[Sound]:
    """The sounds that a page can hold and a browser can play. Reads them; what is gone is left out."""
    total = 0
    for attachment in attachments:
        try:
            sound = Sound(attachment.tag, attachment.step, attachment.load())
        except OSError:
            continue
        size = len(sound.content)
        if sound.mime is not None and size <= MOST_BYTES and total + size <= MOST_BYTES_IN_ALL:
            total += size
            yield sound
