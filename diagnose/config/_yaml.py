"""YAML to a tree of scalars with their places, from the parser's events: nothing is constructed, nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from diagnose.config.limits import MAX_EXPANDED, MAX_NUMBER, Limits, too_deep
from diagnose.config.node import Alias, Array, Document, Node, Scalar, Table
from diagnose.errors import ConfigError

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTOR: Any = yaml.constructor.SafeConstructor()
_PROPERTY = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:[^\S\r\n]|\r?\n)*)*")
_RUNS_CODE = re.compile(r"tag:yaml\.org,2002:python/(?:object/(?:apply|new)|name|module):(?!pathlib\.)")
_CORE = "tag:yaml.org,2002:"
_PLAIN_TYPES = {f"{_CORE}{name}" for name in ("null", "bool", "int", "float")}


def read_yaml(text: str, source: str) -> Document:
    """The tree of a YAML text. Raises ConfigError where it does not parse or asks for too much."""
    reader = _Reader(source, text)
    shift = 1 if text.startswith("\ufeff") else 0
    try:
        for event in yaml.parse(text[shift:], Loader=_LOADER):
            reader.take(event, shift)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = " ".join(filter(None, (error.context, error.problem)))
        if "nesting depth" in reason:  # newer builds of libyaml have a limit of their own and meet it first
            raise too_deep(source, line) from None
        raise ConfigError(f"{source}:{line}: not valid YAML: {reason}; correct this line") from None
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{source}: not valid YAML: {reason}; save it as plain text") from None
    return Document(source, text, "yaml", tuple(reader.roots), tuple(reader.tags))


@dataclass
class _Open:
    """A collection whose end has not been met."""

    event: Any
    start: int
    nodes: list[Node] = field(default_factory=list)


class _Reader:
    """Builds the tree, event by event, and refuses early what is out of all proportion."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.roots: list[Node] = []
        self.tags: list[str] = []
        self.anchors: dict[str, Scalar | Table | Array] = {}
        self.stack: list[_Open] = []
        self.limits = Limits(source)

    def take(self, event: Any, shift: int) -> None:
        """One event of the parser; `shift` is added to its marks."""
        start, end, line = event.start_mark.index + shift, event.end_mark.index + shift, event.start_mark.line + 1
        if isinstance(event, yaml.NodeEvent):
            self._guard(event, line)
        if isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event, start, end, line), event)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._alias(str(event.anchor), start, end, line), None)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.stack.append(_Open(event, start))
        elif isinstance(event, yaml.CollectionEndEvent):
            opened = self.stack.pop()
            self._add(_closed(opened, end, opened.event.start_mark.line + 1, self), opened.event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()

    def _guard(self, event: Any, line: int) -> None:
        self.limits.take(line, len(self.stack))
        tag = getattr(event, "tag", None)
        if tag and _RUNS_CODE.match(tag):
            name = tag.removeprefix(_CORE)
            raise ConfigError(f"{self.source}:{line}: the tag !!{name} runs code when it is loaded; remove it")
        if tag and not tag.startswith(_CORE + "python/") and tag.startswith(_CORE):
            return
        if tag and tag != "!":
            self.tags.append(tag)

    def _add(self, node: Node, event: Any) -> None:
        if node.weight > MAX_EXPANDED:
            what = f"its aliases expand to more than {MAX_EXPANDED} values"
            raise ConfigError(f"{self.source}:{node.line}: {what}: an alias bomb, not a training config")
        if event is not None and event.anchor and not isinstance(node, Alias):
            self.anchors[event.anchor] = node
        (self.stack[-1].nodes if self.stack else self.roots).append(node)

    def _scalar(self, event: Any, start: int, end: int, line: int) -> Scalar:
        if event.anchor or event.tag:
            prefix = _PROPERTY.match(self.text, start, end)
            begin = prefix.end() if prefix else start
            line += self.text.count("\n", start, begin)
            start = begin
        return Scalar(start, end, line, _value(event), event.style or "", event.tag, event.anchor)

    def _alias(self, name: str, start: int, end: int, line: int) -> Alias:
        if name not in self.anchors:
            raise ConfigError(f"{self.source}:{line}: *{name} names no anchor above it; write &{name} first")
        target = self.anchors[name]
        return Alias(start, end, line, target, target.weight)


def _closed(opened: _Open, end: int, line: int, reader: _Reader) -> Table | Array:
    event, nodes = opened.event, opened.nodes
    weight = 1 + sum(node.weight for node in nodes)
    if isinstance(event, yaml.SequenceStartEvent):
        return Array(opened.start, end, line, tuple(nodes), bool(event.flow_style), event.tag, event.anchor, weight)
    entries = tuple(_pairs(nodes, reader))
    return Table(opened.start, end, line, entries, bool(event.flow_style), event.tag, event.anchor, weight)


def _pairs(nodes: list[Node], reader: _Reader) -> Iterator[tuple[Scalar, Node]]:
    for key, value in zip(nodes[::2], nodes[1::2], strict=True):
        name = key.target if isinstance(key, Alias) else key
        if not isinstance(name, Scalar):
            raise ConfigError(f"{reader.source}:{key.line}: a list or mapping as a key; training configs have names")
        yield name, value


def _value(event: Any) -> Any:
    """The value that PyYAML's safe loader gives; the text itself under a tag that it does not know."""
    tag = event.tag
    if len(event.value) > MAX_NUMBER:
        return event.value
    if tag is None or tag == "!":
        tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag not in _PLAIN_TYPES:
        return event.value
    try:
        return _CONSTRUCTOR.construct_object(yaml.ScalarNode(tag, event.value))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError, yaml.YAMLError):
        return event.value  # PyYAML checks no value under an explicit tag: `!!int` of nothing, `!!timestamp x`
