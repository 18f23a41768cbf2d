"""What the values of a config name: other keys, by `${a.b}` or `!ref <a>`, and classes, by HyperPyYAML's tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

REFERENCE = re.compile(r"\$\{([^{}$]*)\}?|%\(([^()]*)\)s|<([^<>]*)>")
LINE_WITH_TAG = re.compile(r"!(?:ref|copy)\s.*")
MAKING_TAG = re.compile(r"!(?:new|apply|name):([\w.]+)")
Path_ = tuple[str, ...]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def references(config: Mapping[str, Any], file: Path | None, others: list[Path]) -> list[tuple[str, Path_]]:
    """The (end of a) dotted path that is named, and the path of the key that names it, empty in another file."""
    values = _values(file) or list(_of_data(config))
    named = [(name, path) for path, tag, text in values for name in _names(text, tag in {"!ref", "!copy"})]
    for text in (one.read_text("utf-8", errors="replace") for one in others if one != file):
        named += [(name, ()) for name in _names(text, with_tag=False)]
        named += [(name, ()) for line in LINE_WITH_TAG.findall(text) for name in _names(line, with_tag=True)]
    return named


def classes_of_tags(file: Path | None) -> dict[Path_, str]:
    """The classes that `!new:`, `!apply:` and `!name:` name, by the path of the section that they are made from."""
    found = ((path, MAKING_TAG.fullmatch(tag)) for path, tag, _ in _values(file))
    return {path: tag[1] for path, tag in found if tag}


def _names(text: str, with_tag: bool) -> Iterator[str]:
    for curly, percent, pointed in REFERENCE.findall(text):
        inside = curly or percent or (pointed if with_tag else "")
        yield from (name.strip(".") for name in re.findall(r"[\w\-][\w.\-]*", inside))


def _values(file: Path | None) -> tuple[tuple[Path_, str, str], ...]:
    """Path, tag and text of everything in a YAML or JSON file; what aliases repeat once."""
    if file is None or file.suffix not in {".yaml", ".yml", ".json"}:
        return ()
    try:
        waiting: list[Any] = [(yaml.compose(file.read_text("utf-8", errors="replace"), _LOADER), ())]
    except (yaml.YAMLError, RecursionError):
        return ()
    found: dict[Any, tuple[Path_, str, str]] = {}
    while waiting:
        node, path = waiting.pop()
        if node is None or node in found:
            continue
        found[node] = (path, node.tag, node.value if isinstance(node, yaml.ScalarNode) else "")
        if isinstance(node, yaml.MappingNode):
            waiting += [(value, (*path, str(key.value))) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(value, path) for value in node.value]
    return tuple(found.values())


def _of_data(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str, str]]:
    if isinstance(value, str):
        yield path, "", value
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield from _of_data(inner, (*path, str(key)))
    for inner in value if isinstance(value, list) else ():
        yield from _of_data(inner, path)


def config_strings(data: Any) -> Iterator[str]:
    """Every text among the values of a config."""
    return (text for _, _, text in _of_data(data))
