"""Divide a data set into training, validation and test lists, with nothing of one in another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from diagnose.data.ljspeech import write_files
from diagnose.data.manifest import Clip, Split, lines_of, read_clips, whole_list
from diagnose.data.speech import spoken
from diagnose.errors import DataError

FEWEST_SPEAKERS = 3
"""With fewer, holding one out would leave no second voice to train on."""
FEW_SPEAKERS = 20
"""With fewer, single speakers are larger than the usual share of 5 %."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of the clips that is held out; the rest is for training."""

    validation: float = 0.10
    test: float = 0.05

    def __post_init__(self) -> None:
        if self.validation < 0 or self.test < 0 or self.validation + self.test >= 1:
            raise DataError(f"shares of {self.validation:g} and {self.test:g} leave nothing to train on")

    def side(self, position: float) -> Split:
        """The side of what is at `position` between 0 and 1."""
        if position < self.test:
            return Split.TEST
        return Split.VALIDATION if position < self.test + self.validation else Split.TRAIN


USUAL = Shares()


@dataclass(frozen=True, slots=True)
class Divided:
    """Which clips went where."""

    lists: Mapping[Split, Path]
    clips: Mapping[Split, int]
    left_out: int
    """Held-out clips that are copies made by augmentation, or say what is trained on as well: in no list."""
    speakers: int
    """Speakers that the list names."""
    speakers_apart: bool
    """Whether each speaker is on one side only."""

    @property
    def note(self) -> str:
        """What the user should know of it; empty where there is nothing."""
        held_out = 1 - self.clips[Split.TRAIN] / sum(self.clips.values())
        notes = []
        if self.left_out:
            notes.append(
                f"{self.left_out:,} clips are in no list: copies of held-out clips, or texts trained on as well"
            )
        if self.speakers_apart and self.speakers < FEW_SPEAKERS:
            notes.append(
                f"with {self.speakers} speakers, holding some out takes {held_out:.0%} of the clips; "
                "--mix-speakers keeps every voice in the training"
            )
        if 1 < self.speakers < FEWEST_SPEAKERS:
            notes.append(f"{self.speakers} speakers are too few to hold one out: each is on every side")
        return "; ".join(notes)


def split(
    folder: Path, *, shares: Shares = USUAL, seed: int = 0, mix_speakers: bool = False, force: bool = False
) -> Divided:
    """Write `metadata_train.csv`, `metadata_val.csv` and `metadata_test.csv` beside the whole list of `folder`.

    A clip's side follows from `seed` and its spoken text alone; where three or more speakers are known
    (and not `mix_speakers`), from its speaker alone. So clips that are added later move no others, unless
    a side would be empty without them. Raises DataError.
    """
    whole = whole_list(folder) if folder.is_dir() else None
    if whole is None:
        raise DataError(f"{folder}: no metadata.csv here to split")
    clips = read_clips(whole)
    speakers = {clip.speaker for clip in clips if clip.speaker}
    apart = _speakers_apart(clips, mix_speakers=mix_speakers)
    sides = divide(clips, shares, seed=seed, mix_speakers=mix_speakers)
    if not all(sides.values()):
        raise DataError(f"{whole}: too few clips to split: {len(clips)}")
    lists = {side: whole.with_name(f"metadata_{side.value}{whole.suffix}") for side in sides}
    lines = lines_of(whole)
    # Whatever is above the first clip is the heading.
    heading = [line for line in lines[: clips[0].line - 1] if line.strip()]
    chosen = {side: [*heading, *(lines[clip.line - 1] for clip in part)] for side, part in sides.items()}
    write_files({lists[side]: b"\n".join([*part, b""]) for side, part in chosen.items()}, force=force)
    counts = {side: len(part) for side, part in sides.items()}
    return Divided(lists, counts, len(clips) - sum(counts.values()), len(speakers), apart)


def divide(
    clips: Sequence[Clip], shares: Shares = USUAL, *, seed: int = 0, mix_speakers: bool = False
) -> dict[Split, list[Clip]]:
    """The clips of each side, in their order: as `split` writes them.

    What is held out is neither a copy nor trained on, nor on both held-out sides.
    """
    apart = _speakers_apart(clips, mix_speakers=mix_speakers)
    groups = [(clip.speaker or "") if apart else spoken(clip.text) or clip.id for clip in clips]
    side_of = _sides(set(groups), shares, seed)
    parts: dict[Split, list[Clip]] = {side: [] for side in _wanted(shares)}
    for clip, group in zip(clips, groups, strict=True):
        parts[side_of[group]].append(clip)
    taken = parts[Split.TRAIN]
    for side in (Split.VALIDATION, Split.TEST):
        if side in parts:
            parts[side] = _unheard([clip for clip in parts[side] if not clip.is_copy], taken)
            taken = taken + parts[side]
    return parts


def _speakers_apart(clips: Iterable[Clip], *, mix_speakers: bool) -> bool:
    """Whether each speaker is on one side only."""
    return not mix_speakers and len({clip.speaker for clip in clips if clip.speaker}) >= FEWEST_SPEAKERS


def _wanted(shares: Shares) -> list[Split]:
    held_out = {Split.VALIDATION: shares.validation, Split.TEST: shares.test}
    return [Split.TRAIN, *(side for side, share in held_out.items() if share > 0)]


def _sides(groups: Iterable[str], shares: Shares, seed: int) -> dict[str, Split]:
    """Group -> side, by hash; a side that would be empty gets the group that is nearest to its share."""
    digests = {
        group: blake2b(f"{seed}\0{group}".encode(errors="surrogatepass"), digest_size=8).digest() for group in groups
    }
    position = {group: int.from_bytes(digest, "big") / 2**64 for group, digest in digests.items()}
    order = sorted(position, key=lambda group: position[group])
    side_of = {group: shares.side(position[group]) for group in order}
    for side in reversed(_wanted(shares)):
        members: dict[Split, list[str]] = defaultdict(list)
        for group in order:
            members[side_of[group]].append(group)
        if not members[side]:
            donor = max(members, key=lambda other: len(members[other]))
            side_of[members[donor][-1 if side is Split.TRAIN else 0]] = side
    return side_of


def _unheard(clips: Sequence[Clip], others: Sequence[Clip]) -> list[Clip]:
    """The clips of which neither the recording nor the spoken text is among `others`."""
    recordings = {clip.audio for clip in others}
    texts = {spoken(clip.text) for clip in others} - {""}
    return [clip for clip in clips if clip.audio not in recordings and spoken(clip.text) not in texts]
