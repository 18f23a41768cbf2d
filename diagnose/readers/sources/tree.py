"""Which runs are below a folder, by the names of its files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from diagnose.readers.roles import measured_in
from diagnose.readers.sources import Part, Source
from diagnose.readers.sources.storage import Unread, local, open_file, walk
from diagnose.readers.tensorboard import scalars_in
from diagnose.regex import regex

TEXT_SUFFIXES = frozenset(
    {"", ".csv", ".db", ".err", ".json", ".jsonl", ".log", ".ndjson", ".out", ".tsv", ".txt", ".wandb"}
)
NOTEBOOK = ".ipynb"
# Files of these kinds are mostly data and settings: one is looked at where its name is that of a curve or a history.
_BY_NAME = frozenset({".npy", ".npz", ".yaml", ".yml"})
_HISTORY = regex(r"(?<![a-z])(?:logs?|histor(?:y|ies)|metrics|results|curves?)(?![a-z])", re.IGNORECASE)
# Sub-folders that hold one split of the run in the folder above: Keras, ESPnet, FastSpeech2, fairseq, NVIDIA.
SPLITS = frozenset(
    {"train", "training", "train_inner", "val", "valid", "validation", "eval", "evaluation", "dev", "test"}
)
# SummaryWriter.add_hparams writes into a sub-folder that is named by the time.
_HPARAMS = regex(r"\d{9,}\.\d+")
_CHECKPOINT = regex(r"(.*/)?checkpoint-(\d+)")
SHOWN = 3
"""Links named in one line."""
PEEK = 65_536
"""Bytes in which a file must show its tags."""


def is_event_file(name: str) -> bool:
    """Whether TensorBoard would take a file of this name for an event file, and ttsdoc did not write it."""
    return "tfevents" in name and not name.endswith((".profile-empty", ".ttsdoc"))


def discover_tree(root: str) -> Iterator[Source]:
    """The runs at and below `root`: one a folder of event files, one a text log elsewhere."""
    unread = Unread()
    folders = {_below(folder, root): _Folder(folder, files) for folder, files in walk(root, unread)}
    events = {label: folder for label, folder in folders.items() if folder.events}
    parts: dict[str, list[Part]] = {}
    splits = Counter(_parent(label) for label in events if _is_split(label))
    for label, folder in events.items():
        owner, part = _place(label, events, splits)
        parts.setdefault(owner, []).extend(part.of(folder.path(name)) for name in folder.events)
    superseded = _superseded(folders)
    for label, folder in folders.items():
        texts = [name for name in folder.texts if (label, name) not in superseded]
        if label in parts:
            beside = tuple(folder.path(name) for name in texts)
            yield Source(folder.name, local(folder.name), label=label, parts=tuple(parts[label]), beside=beside)
        elif label not in events:
            for name in texts:
                path, older = folder.path(name), tuple(map(folder.path, folder.rotated(name)))
                yield Source(path, local(path), label=_joined(label, name), rotated=older, asked=False)
    for label, folder in folders.items():
        for name in (name for name in folder.files if name.endswith(NOTEBOOK)):
            yield Source(folder.path(name), local(folder.path(name)), label=_joined(label, name), asked=False)
    yield from _unread_sources(root, unread)


def _unread_sources(root: str, unread: Unread) -> Iterator[Source]:
    """What was not entered, as sources with the reason, so that the user learns of it."""
    for folder, error in unread.errors.items():
        yield Source(folder, label=_below(folder, root), reason=f"{folder}: cannot be listed ({error})")
    links = [link for link in unread.links if not PurePosixPath(link).suffix or _may_be_log(link)]
    if links:
        more = f" and {len(links) - SHOWN} more" if len(links) > SHOWN else ""
        reason = (
            f"links out of the folder are not followed, name them to have them read: {', '.join(links[:SHOWN])}{more}"
        )
        yield Source(root, asked=False, reason=f"{root}: {reason}")


def _may_be_log(name: str) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _BY_NAME:
        stem = PurePosixPath(name).stem
        return bool(measured_in(stem)[0] or _HISTORY.search(stem))
    return is_event_file(name) or suffix in TEXT_SUFFIXES


@dataclass(frozen=True)
class _Folder:
    """One folder and the names of its files."""

    name: str
    files: list[str]

    @property
    def events(self) -> list[str]:
        return [name for name in self.files if is_event_file(name)]

    @property
    def texts(self) -> list[str]:
        return [name for name in self.files if _may_be_log(name) and not is_event_file(name)]

    def rotated(self, name: str) -> list[str]:
        """The files that the logger moved aside when they were full, the oldest first."""
        numbers = (other.removeprefix(f"{name}.") for other in self.files if other.startswith(f"{name}."))
        return [f"{name}.{number}" for number in sorted(filter(str.isdecimal, numbers), key=int, reverse=True)]

    def path(self, name: str) -> str:
        return f"{self.name.rstrip('/')}/{name}"


@dataclass(frozen=True)
class _As:
    """How the curves of a sub-folder are called in the run that it belongs to."""

    prefix: str = ""
    suffix: str = ""
    settings_only: bool = False

    def of(self, name: str) -> Part:
        return Part(self.prefix, name, self.suffix, self.settings_only)


def _place(label: str, events: Mapping[str, _Folder], splits: Mapping[str, int]) -> tuple[str, _As]:
    """The run that a folder of event files belongs to, and how its curves are called there."""
    if label == ".":
        return label, _As()
    above = next((str(path) for path in PurePosixPath(label).parents if str(path) in events), None)
    if above is not None and (series := _series(label, above, events[label])):
        return above, _As(suffix=f"/{series}")
    parent, name = _parent(label), PurePosixPath(label).name
    if _is_split(label) and (parent in events or splits[parent] > 1):
        return parent, _As(prefix=f"{name}/")
    if _HPARAMS.fullmatch(name) and parent in events:
        return parent, _As(settings_only=True)
    return label, _As()


def _parent(label: str) -> str:
    return str(PurePosixPath(label).parent)


def _is_split(label: str) -> bool:
    return PurePosixPath(label).name.lower() in SPLITS


def _series(label: str, above: str, folder: _Folder) -> str | None:
    """The name of the one series in a folder that SummaryWriter.add_scalars made for it, else None.

    torch calls the folder `tag_name`, tensorboardX `tag/name`.
    """
    path = label if above == "." else label.removeprefix(f"{above}/")
    try:
        with open_file(folder.path(folder.events[0])) as file:
            tags = [tag for tag, _ in scalars_in(file.read(PEEK))]
    except OSError:  # reported when it is read
        return None
    if len(tags) != 1:
        return None
    starts = (f"{tags[0].replace('/', '_')}_", f"{tags[0]}/")
    return next((path.removeprefix(start) for start in starts if path.startswith(start)), None)


def _superseded(folders: Mapping[str, _Folder]) -> set[tuple[str, str]]:
    """Files in checkpoint-1, checkpoint-2, ... that a later checkpoint of the same run repeats and continues."""
    last: dict[tuple[str, str], tuple[int, str]] = {}
    found: list[tuple[str, str]] = []
    for label, folder in folders.items():
        match = _CHECKPOINT.fullmatch(label)
        for name in folder.texts if match else ():
            assert match
            found.append((label, name))
            key = (match[1] or "", name)
            last[key] = max(last.get(key, (-1, "")), (int(match[2]), label))
    kept = {(label, name) for (above, name), (_, label) in last.items() if name not in _files(folders, above)}
    return set(found) - kept


def _files(folders: Mapping[str, _Folder], above: str) -> list[str]:
    folder = folders.get(above.rstrip("/") or ".")
    return folder.files if folder else []


def _below(folder: str, root: str) -> str:
    """The folder's path below the one that was asked for, as TensorBoard names runs."""
    return folder.removeprefix(root.rstrip("/")).strip("/") or "."


def _joined(label: str, name: str) -> str:
    return name if label == "." else f"{label}/{name}"
