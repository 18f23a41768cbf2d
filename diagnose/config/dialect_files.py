"""Dialects as data.

A dialect is one YAML file. Its fields:

- `title`: what it is. `order`: lower is tried first. `syntaxes`: of `yaml`, `json`, `toml`, `python` (default: all
  but the last).
- `recognise`: fingerprints, one of which must fit. `all`, `any`, `none`: paths; `value`: path -> pattern;
  `text`: patterns, one of which is found in the raw text.
- `keys`: canonical name -> places, best first. A place is a path, or `{path, unit, when, dead, locked, doubtful,
  note, neutral, share, pair, default}`, see `Candidate`.
- `add`: canonical name -> the path that may be inserted. `forbid`: canonical name -> why it must not be written.
  `read_only`: why the whole file must not. `command_line`: canonical name -> the flag that sets it instead.
  `family`: the model family. Each of them is a text, or a list of texts and of `{text, when: {path: pattern}}`.
- `peak`: `{rate, width, warmup, when}`, see `Peak`. `training: false`: no training config.
- `text_numbers: false`: the framework takes `5e-5` for text. `synonyms`: see `Synonyms`. `usual_names`: canonical
  names that are looked up by the usual words where no key of the dialect is there. `files`, `notes`: for people.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from diagnose.config.dialect import (
    Candidate,
    Conditions,
    Dialect,
    Fingerprint,
    Peak,
    Phrase,
    Place,
    Rule,
    Synonyms,
    Word,
)
from diagnose.config.document import parse_document, read_text
from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.config.node import Document
from diagnose.errors import ConfigError
from diagnose.project import preset_texts, safe_yaml


def load_dialect(path: FilePath) -> Dialect:
    """A dialect that the user wrote. Raises ConfigError where it is none."""
    text = read_text(path)
    parse_document(text, str(path) if path.suffix in {".yaml", ".yml"} else f"{path}.yaml")  # refuses what is hostile
    return _dialect(text, str(path), path.stem)


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every dialect, shipped or of the project, in the order in which they are tried."""
    known = (_dialect(text, name, name.removesuffix(".yaml")) for name, text in preset_texts("dialects"))
    return tuple(sorted(known, key=lambda dialect: dialect.order))


def recognise(document: Document) -> Dialect:
    """The first dialect whose fingerprint fits; the last one fits everything."""
    return next(dialect for dialect in dialects() if dialect.fits(document))


def _dialect(text: str, source: str, name: str) -> Dialect:
    try:
        return _build(safe_yaml(text), name)
    except (TypeError, ValueError, KeyError, AttributeError, re.error, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{source}: not a dialect: {reason:.200}; see presets/dialects for examples") from None


def _build(data: Mapping[str, Any], name: str) -> Dialect:
    unknown = set(data) - _FIELDS
    if unknown:
        raise ValueError(f"unknown field {min(unknown)!r}; known are {', '.join(sorted(_FIELDS))}")
    strange = {*data.get("keys", {}), *data.get("add", {}), *data.get("usual_names", ())} - set(HYPERPARAMETERS)
    if strange:
        raise ValueError(f"{min(strange)!r} is no canonical hyperparameter")
    return Dialect(
        name=name,
        title=str(data["title"]),
        order=int(data.get("order", 0)),
        syntaxes=tuple(data.get("syntaxes", ("yaml", "json", "toml"))),
        fingerprints=tuple(_fingerprint(entry) for entry in data.get("recognise", [{}])),
        keys={key: tuple(map(_candidate, entries)) for key, entries in data.get("keys", {}).items()},
        add={key: _rules(entries) for key, entries in data.get("add", {}).items()},
        forbid={key: _rules(entries) for key, entries in data.get("forbid", {}).items()},
        families=_rules(data.get("family", [])),
        peaks=tuple(map(_peak, data.get("peak", []))),
        command_line=data.get("command_line", {}),
        read_only=_rules(data.get("read_only", [])),
        training=bool(data.get("training", True)),
        text_numbers=bool(data.get("text_numbers", True)),
        synonyms=_synonyms(data["synonyms"]) if "synonyms" in data else None,
        usual_names=frozenset(data.get("usual_names", ())),
    )


_FIELDS = {
    *("title", "order", "syntaxes", "recognise", "keys", "add", "forbid", "command_line", "read_only", "training"),
    *("text_numbers", "synonyms", "files", "notes", "family", "peak", "usual_names"),
}


def _conditions(data: Mapping[str, Any] | None) -> Conditions:
    return Conditions(tuple((Place(path), str(pattern)) for path, pattern in (data or {}).items()))


def _rules(data: Any) -> tuple[Rule, ...]:
    """One text, or a list of texts and of `{text, when}`."""
    entries = data if isinstance(data, list) else [data]
    return tuple(
        Rule(entry) if isinstance(entry, str) else Rule(str(entry["text"]), _conditions(entry.get("when")))
        for entry in entries
    )


def _candidate(data: Mapping[str, Any] | str) -> Candidate:
    if isinstance(data, str):
        return Candidate(Place(data))
    read: dict[str, Callable[[Any], Any]] = {"when": _conditions, "neutral": tuple, "pair": Place}
    rest = {key: read[key](value) if key in read else value for key, value in data.items() if key != "path"}
    return Candidate(Place(data["path"]), **rest)


def _peak(data: Mapping[str, Any]) -> Peak:
    def options(key: str) -> tuple[float | str, ...]:
        entry = data.get(key, 1.0)
        return tuple(entry) if isinstance(entry, list) else (entry,)

    return Peak(options("rate"), options("width"), options("warmup"), _conditions(data.get("when")))


def _fingerprint(data: Mapping[str, Any]) -> Fingerprint:
    every, some, none = (tuple(map(Place, data.get(key, ()))) for key in ("all", "any", "none"))
    text = tuple(re.compile(pattern) for pattern in data.get("text", ()))
    return Fingerprint(every, some, none, _conditions(data.get("value")), text)


def _synonyms(data: Mapping[str, Any]) -> Synonyms:
    words, phrases = defaultdict[str, list[Word]](list), defaultdict[str, list[Phrase]](list)
    for name, entries in data["names"].items():
        for number, entry in enumerate(entries):
            *around, key = str(entry).lower().split(".")
            words[key].append(Word(name, number, tuple(around)))
    for name, entries in data.get("phrases", {}).items():
        for entry in entries:
            needs = tuple(frozenset(group.split("|")) for group in entry["needs"])
            for word in needs[0]:
                phrases[word].append(Phrase(name, needs, frozenset(entry.get("may", ())).union(*needs)))
    return Synonyms(
        {key: tuple(found) for key, found in words.items()},
        tuple(data["sections"]),
        frozenset(data["never"]),
        frozenset(data.get("anywhere", ())),
        {key: frozenset(sections) for key, sections in data.get("elsewhere", {}).items()},
        {word: tuple(found) for word, found in phrases.items()},
    )
