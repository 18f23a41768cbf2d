"""YAML to a tree of scalars with their places, from the parser's events: nothing is constructed, nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from diagnose.config.node import MAX_EXPANDED, MAX_NUMBER, Alias, Array, Document, Limits, Node, Scalar, Table, too_deep
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
    try:
        roots = tuple(reader.documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = " ".join(filter(None, (error.context, error.problem)))
        if "nesting depth" in reason:  # newer builds of libyaml have a limit of their own and meet it first
            raise too_deep(source, line) from None
        if "cannot start any token" in reason and mark:
            reason = _unquoted(text[reader.shift + mark.index :][:1])
        known = source.endswith((".yaml", ".yml"))
        advice = "correct this line" if known else "correct this line, or give a config in YAML, JSON, TOML or Python"
        raise ConfigError(f"{source}:{line}: not valid YAML: {reason}; {advice}") from None
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{source}: not valid YAML: {reason}; save it as plain text") from None
    return Document(source, text, "yaml", roots, tuple(reader.tags))


def _unquoted(character: str) -> str:
    """Why a line cannot begin, or go on, with this character."""
    return "a tab, where YAML takes spaces" if character == "\t" else f"no value begins with {character} unless quoted"


class _Reader:
    """Builds the tree, event by event, and refuses early what is out of all proportion."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.shift = 1 if text.startswith("\ufeff") else 0
        self.events: Iterator[Any] = yaml.parse(text[self.shift :], Loader=_LOADER)
        self.tags: list[str] = []
        self.anchors: dict[str, Scalar | Table | Array] = {}
        self.limits = Limits(source)

    def documents(self) -> Iterator[Node]:
        """The root of each document."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
            elif isinstance(event, yaml.NodeEvent):
                yield self.node(event, 0)

    def node(self, event: Any, depth: int) -> Node:
        """The value that begins with this event."""
        start, end, line = event.start_mark.index, event.end_mark.index, event.start_mark.line + 1
        self.limits.take(line, depth)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                what = f"*{event.anchor} names no anchor above it; write &{event.anchor} first"
                raise ConfigError(f"{self.source}:{line}: {what}")
            target = self.anchors[event.anchor]
            return Alias(start + self.shift, end + self.shift, line, target, target.weight)
        self.permit(event.tag, line)
        scalar = isinstance(event, yaml.ScalarEvent)
        node = self.scalar(event, line) if scalar else self.collection(event, line, depth)
        if node.weight > MAX_EXPANDED:
            what = f"its aliases expand to more than {MAX_EXPANDED} values"
            raise ConfigError(f"{self.source}:{node.line}: {what}: an alias bomb, not a training config")
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def permit(self, tag: str | None, line: int) -> None:
        """Keep a tag that the safe loader refuses. Raises ConfigError for one that runs code."""
        if tag and _RUNS_CODE.match(tag):
            name = tag.removeprefix(_CORE)
            raise ConfigError(f"{self.source}:{line}: the tag !!{name} runs code when it is loaded; remove it")
        if tag and tag != "!" and (tag.startswith(_CORE + "python/") or not tag.startswith(_CORE)):
            self.tags.append(tag)

    def scalar(self, event: Any, line: int) -> Scalar:
        """A value in the text, without its `&anchor` and `!tag`."""
        start, end = event.start_mark.index + self.shift, event.end_mark.index + self.shift
        prefix = _PROPERTY.match(self.text, start, end) if event.anchor or event.tag else None
        begin = prefix.end() if prefix else start
        line += self.text.count("\n", start, begin)
        return Scalar(begin, end, line, _value(event), event.style or "", event.tag, event.anchor)

    def collection(self, event: Any, line: int, depth: int) -> Table | Array:
        """A list or a mapping, to its end."""
        nodes: list[Node] = []
        while not isinstance(closing := next(self.events), yaml.CollectionEndEvent):
            nodes.append(self.node(closing, depth + 1))
        weight = 1 + sum(node.weight for node in nodes)
        start, end = event.start_mark.index + self.shift, closing.end_mark.index + self.shift  # type: ignore[union-attr]  # PyYAML gives marks
        rest = (bool(event.flow_style), event.tag, event.anchor, weight)
        if isinstance(event, yaml.SequenceStartEvent):
            return Array(start, end, line, tuple(nodes), *rest)
        keys = [node.target if isinstance(node, Alias) else node for node in nodes[::2]]
        for key in keys:
            if not isinstance(key, Scalar):
                what = "a list or mapping as a key; training configs have names"
                raise ConfigError(f"{self.source}:{key.line}: {what}")
        names = (key for key in keys if isinstance(key, Scalar))
        return Table(start, end, line, tuple(zip(names, nodes[1::2], strict=True)), *rest)


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
