"""Which keys of a config a trainer reads, found by following its source. Nothing is executed."""

from __future__ import annotations

import ast
import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.errors import SourceError
from diagnose.keyflow._ledger import Ledger
from diagnose.keyflow._library import HYDRA
from diagnose.keyflow._machine import TooMuchError
from diagnose.keyflow._project import Project, SourceFile
from diagnose.keyflow._statements import Interpreter
from diagnose.keyflow._values import UNKNOWN, Arguments, Frame, Func, Node, Obj, Root, Value
from diagnose.keyflow.report import AbsentKey, KeyReport, KeyState, KeyUse, Place, leaf_paths, unknown_report

MOST_PASSES = 12  # passes until nothing new is learnt; the trainers in tests/keyflow need 2 to 4
STACK_BYTES = 512 * 1024 * 1024  # address space, not memory: calls in the source nest calls in here
DEEPEST_RECURSION = 20_000
REFERENCE = re.compile(r"\$\{([^{}]*)\}?|!(?:ref|copy)\s*<([^<>]*)>|%\(([^()]*)\)s")
CONFIG_WORDS = ("config", "cfg", "conf", "yaml", "yml", "hparams", "hps", "params", "settings", "argv")


def keys_read(trainer: Path, config: Mapping[str, Any], config_file: Path | None = None) -> KeyReport:
    """What `trainer` does with each key of `config`, by following its source across the project's modules.

    Nothing is executed. A key is called dead only where the config's whole way through the source is known;
    wherever it is lost sight of, the keys below that point are `unknown`. `config_file` tells the config from
    other files that the trainer loads. A trainer that cannot be read or parsed gives a report in which every
    key is unknown, with the reason in one line: no error is raised.
    """
    config = _plain(config)
    project = Project(Path(trainer), config_file)
    paths = tuple(leaf_paths(config))
    try:
        source = project.parse(project.trainer)
    except SourceError as error:
        return unknown_report(str(trainer), paths, str(error))
    interpreter = Interpreter(project, config, Ledger(config))
    _in_deep_stack(lambda: _follow(interpreter, source))
    return _Judge(interpreter, str(trainer), config_file).report(paths)


def load_config(path: Path) -> Mapping[str, Any]:
    """The config's plain data. Raises OSError, or ValueError in one line if it is no mapping in YAML or JSON."""
    import yaml

    text = path.read_text("utf-8-sig", errors="replace")
    try:
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot be parsed ({str(error).splitlines()[0]})") from None
    if not isinstance(data, Mapping):
        raise ValueError(f"{path}: a config is a mapping of keys to values; this is none")
    plain: Mapping[str, Any] = _plain(data)
    return plain


def mark_interpolated(
    keys: tuple[KeyUse, ...], config: Mapping[str, Any], config_file: Path | None
) -> tuple[KeyUse, ...]:
    """A key that another one names, by `${a.b}` or `!ref <a>`, may be read through it."""
    text = str(config) if config_file is None else config_file.read_text("utf-8", errors="replace")
    inside = REFERENCE.findall(text)
    names = {name for part in inside for piece in part for name in re.findall(r"[\w.\-]+", piece)}
    idle = {KeyState.DEAD, KeyState.MISPLACED}
    return tuple(
        KeyUse(use.path, KeyState.UNKNOWN, reason="another key refers to it")
        if use.state in idle and _refers(use.path, names)
        else use
        for use in keys
    )


def _refers(path: str, names: set[str]) -> bool:
    """Whether one of the names may mean this key: the whole path, its end, or a section above it."""
    for name in names:
        bare = name.strip(".")
        if bare and (path == bare or path.endswith(f".{bare}") or path.startswith(f"{bare}.") or f".{bare}." in path):
            return True
    return False


def _plain(value: Any) -> Any:
    """The config with text keys and without the types of whatever library loaded it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return value


def _in_deep_stack(work: Any) -> None:
    """Run `work` where deep recursion is allowed."""
    limit, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(max(limit, DEEPEST_RECURSION))
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)


def _follow(interpreter: Interpreter, source: SourceFile) -> None:
    """Passes over the source until one of them learns nothing new."""
    try:
        for _ in range(MOST_PASSES):
            before = _knowledge(interpreter)
            interpreter.ledger = Ledger(interpreter.config, reads=interpreter.ledger.reads)
            interpreter.forget()
            interpreter.project.seed(source)
            interpreter.run_module(source)
            _call_what_is_left(interpreter, source)
            if _knowledge(interpreter) == before:
                return
        interpreter.ledger.lost = "the source goes in circles that could not be followed to their end"
    except TooMuchError:
        interpreter.ledger.lost = "the source is too large to follow"
    except RecursionError:
        interpreter.ledger.lost = "the source is nested too deep to follow"


def _knowledge(interpreter: Interpreter) -> tuple[int, int, int]:
    returned = sum(len(frame.returned) for frame in interpreter.frames.values())
    return interpreter.growth, len(interpreter.frames), returned


def _call_what_is_left(interpreter: Interpreter, source: SourceFile) -> None:
    """Call whatever a library or a registry may call: what was named or handed over, and not called so far."""
    frame = interpreter.run_module(source)
    done: set[Any] = set()
    while True:
        todo = [(key, call) for key, call in _left(interpreter) if key not in done]
        if not todo and not interpreter.ledger.roots:
            todo = [(key, call) for key, call in _entries(interpreter, frame) if key not in done]
        if not todo:
            return
        for key, (callee, passed) in todo:
            done.add(key)
            returned = interpreter.call(callee, passed, source.tree, frame)
            if _serves_a_library(interpreter, callee):
                interpreter.give(returned, Place(source.shown, 1), "the library that calls it", deep=False)


def _serves_a_library(interpreter: Interpreter, callee: Value) -> bool:
    """Whether what it returns goes to a library: a callback, or a method of a class derived from a library's."""
    receivers = {part for atom in callee if isinstance(atom, Func) for part in atom.bound or ()}
    derived = any(isinstance(part, Obj) and interpreter.outer_bases(part.cls) for part in receivers)
    return derived or any(atom in interpreter.pending for atom in callee)


def _left(interpreter: Interpreter) -> Iterator[tuple[Any, tuple[Value, Arguments]]]:
    anything = Arguments(more=UNKNOWN)
    yield from list(interpreter.pending.items())
    for node, atom in list(interpreter.referenced.items()):
        if node not in interpreter.called:
            yield node, (frozenset({atom}), anything)
    named = _mentioned(interpreter.project.sources)
    for obj in [*interpreter.made, *interpreter.handed]:
        for method in _methods(interpreter, obj):
            name = method.node.name  # type: ignore[union-attr]
            if method.node in interpreter.called:
                continue
            if obj in interpreter.handed or interpreter.outer_bases(obj.cls) or _is_task(name, named):
                yield (method.node, obj), (frozenset({interpreter.bind(method, frozenset({obj}))}), anything)


def _is_task(name: str, named: frozenset[str]) -> bool:
    """Whether some line may call a method without this being seen.

    Those that look up a key are left out: called without a key that is known, they would seem to read every key.
    """
    return name in named and not name.startswith(("__", "get", "has", "pop", "select"))


def _entries(interpreter: Interpreter, frame: Frame) -> Iterator[tuple[Any, tuple[Value, Arguments]]]:
    """The functions of a trainer that another module starts."""
    for value in frame.names.values():
        for atom in value:
            if isinstance(atom, Func) and atom.scope is frame and atom.node not in interpreter.called:
                yield atom.node, (frozenset({atom}), Arguments(more=UNKNOWN))


def _methods(interpreter: Interpreter, obj: Obj) -> Iterator[Func]:
    for cls in interpreter.lineage(obj.cls) if obj.cls is not None else ():
        for value in cls.fields.values():
            for atom in value:
                if isinstance(atom, Func) and not isinstance(atom.node, ast.Lambda):
                    yield atom


def _mentioned(sources: list[SourceFile]) -> frozenset[str]:
    """Every name by which some line asks for an attribute, and every literal that could be such a name."""
    names: set[str] = set()
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 60:
                names.add(node.value)
    return frozenset(names)


@dataclass
class _Judge:
    """Turns the notes of the last pass into one word for each key."""

    interpreter: Interpreter
    trainer: str
    config_file: Path | None

    @property
    def ledger(self) -> Ledger:
        return self.interpreter.ledger

    def report(self, paths: tuple[str, ...]) -> KeyReport:
        notes = tuple(dict.fromkeys(self.interpreter.project.notes))
        roots = self._roots()
        reason = self.ledger.lost or self._why_no_root(roots) or self._why_no_group(roots)
        if reason is not None:
            found = unknown_report(self.trainer, paths, reason)
            return KeyReport(self.trainer, found.keys, notes=(*notes, reason))
        self._settle_taken(roots)
        keys = tuple(self._judge(path, key, roots) for path, key in _keys(self.interpreter.config))
        return KeyReport(
            self.trainer, mark_interpolated(keys, self.interpreter.config, self.config_file), self._absent(roots), notes
        )

    # --- which of the files that are loaded is the config

    def _roots(self) -> list[Root]:
        top = set(self.interpreter.config)
        named = {root: self.ledger.named.get(root, set()) for root in self.ledger.roots}
        matched = [root for root in named if named[root] & top and not _from_config(root)]
        if not matched:
            return []
        same = frozenset().union(*(root.origin for root in matched)) - {"?"}
        others = [
            root
            for root in named
            if root not in matched and (root.origin & same or (not named[root] and self._plausible(root)))
        ]
        return [root for root in matched if self._is_this_file(root, matched)] + others

    def _is_this_file(self, root: Root, matched: list[Root]) -> bool:
        """Not another file that happens to share a key, as told by the literal name that it is opened by."""
        if self.config_file is None or not all(_literal(part) for part in root.origin):
            return True
        name = self.config_file.name
        same = [other for other in matched if any(name in part for part in other.origin)]
        return not same or root in same

    def _plausible(self, root: Root) -> bool:
        if _from_config(root):
            return False
        return any(part == "?" or any(word in part.lower() for word in CONFIG_WORDS) for part in root.origin)

    def _why_no_root(self, roots: list[Root]) -> str | None:
        if not self.ledger.roots:
            return f"no place was found where {self.trainer} loads a config file"
        if not roots:
            escaped = [reason for node, reason in self.ledger.escapes.items() if not node.path]
            return f"the whole config is {escaped[0]}" if escaped else "the file that the trainer reads has other keys"
        for root in roots:
            for origin, reason in self.ledger.files.items():
                if any(part in root.origin for part in origin if part not in {"?", "argv"}):
                    return reason
        return None

    def _why_no_group(self, roots: list[Root]) -> str | None:
        """Hydra puts the config together from several files: of a part, the source does not tell under which key."""
        names = {part.strip("'\"") for root in roots if HYDRA in root.origin for part in root.origin if _literal(part)}
        if self.config_file is None or not names or self.config_file.stem in {Path(name).stem for name in names}:
            return None
        return f"Hydra starts from {', '.join(sorted(names))} and puts the config together from several files"

    def _settle_taken(self, roots: list[Root]) -> None:
        for key, (value, reason) in self.interpreter.taken.items():
            if key not in self.interpreter.own_fields:
                for atom in value:
                    if isinstance(atom, Node):
                        self.ledger.escape(atom, reason)

    # --- one key

    def _judge(self, path: str, key: tuple[str, ...], roots: list[Root]) -> KeyUse:
        nodes = [Node(root, key) for root in roots]
        reads = sorted({place for node in nodes for place in self.ledger.reads.get(node, ())})
        if reads:
            return KeyUse(path, KeyState.LIVE, tuple(reads))
        reason = self._doubt(nodes)
        if reason is not None:
            return KeyUse(path, KeyState.UNKNOWN, reason=reason)
        return self._misplaced(path, key, roots) or self._dead(path, key, roots)

    def _doubt(self, nodes: list[Node]) -> str | None:
        for node in nodes:
            for length in range(len(node.path) + 1):
                above = Node(node.root, node.path[:length])
                if above in self.ledger.escapes:
                    what = ".".join(above.path) or "the config"
                    return f"{what} is {self.ledger.escapes[above]}"
            if node in self.ledger.tested:
                return f"only its presence is tested ({self.ledger.tested[node]})"
        name = nodes[0].path[-1]
        if name in self.ledger.loose:
            return f"`{name}` is read from something that could not be followed ({self.ledger.loose[name]})"
        return None

    def _misplaced(self, path: str, key: tuple[str, ...], roots: list[Root]) -> KeyUse | None:
        for node, places in self.ledger.absent.items():
            if node.root in roots and node.path[-1] == key[-1] and node.path != key:
                place, default = next(iter(places.items()))
                return KeyUse(path, KeyState.MISPLACED, instead=".".join(node.path), default=default, place=place)
        for name in (key[-1], key[-1].replace("-", "_")):
            if name in self.ledger.options:
                default, place = self.ledger.options[name]
                flag = "--" + name.replace("_", "-") if "-" in key[-1] else f"--{name}"
                return KeyUse(path, KeyState.MISPLACED, instead=flag, default=default, place=place)
        return None

    def _dead(self, path: str, key: tuple[str, ...], roots: list[Root]) -> KeyUse:
        coded = _hard_coded(key[-1], self.interpreter.project.sources)
        if coded is not None:
            return KeyUse(path, KeyState.DEAD, place=coded[0], hard_coded=coded[1])
        return KeyUse(path, KeyState.DEAD, place=self._neighbours(key, roots))

    def _neighbours(self, key: tuple[str, ...], roots: list[Root]) -> Place | None:
        """Where the keys beside a dead one are read: there belongs the code that it lacks."""
        for length in range(len(key) - 1, -1, -1):
            places = [
                place
                for node, where in self.ledger.reads.items()
                if node.root in roots and node.path[:length] == key[:length]
                for place in where
            ]
            if places:
                return min(places)
        return None

    def _absent(self, roots: list[Root]) -> tuple[AbsentKey, ...]:
        found: dict[str, tuple[str | None, list[Place]]] = {}
        for node, places in self.ledger.absent.items():
            if node.root in roots:
                _, reads = found.setdefault(".".join(node.path), (next(iter(places.values())), []))
                reads += places
        return tuple(AbsentKey(path, default, tuple(sorted(set(reads)))) for path, (default, reads) in found.items())


def _keys(config: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _keys(value, (*prefix, key))
        else:
            yield ".".join((*prefix, key)), (*prefix, key)


def _from_config(root: Root) -> bool:
    """A file that the config names is another file."""
    return all(part.startswith("key ") for part in root.origin)


def _literal(part: str) -> bool:
    return part[:1] in {"'", '"'}


def _hard_coded(name: str, sources: list[SourceFile]) -> tuple[Place, str] | None:
    """The line that gives this name a literal value: `p_dropout=0.1` in a call, `p_dropout = 0.1`, a default."""
    for source in sources:
        for node in ast.walk(source.tree):
            value = _literal_of(name, node)
            if isinstance(value, ast.Constant) and isinstance(value.value, int | float | str):
                return Place(source.shown, value.lineno), f"{name}={value.value!r}"
    return None


def _literal_of(name: str, node: ast.AST) -> ast.expr | None:
    match node:
        case ast.keyword(arg=arg, value=value) if arg == name:
            return value
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return value
        case ast.Assign(targets=[ast.Attribute(attr=target)], value=value) if target == name:
            return value
        case ast.arguments():
            return _default_of(name, node)
    return None


def _default_of(name: str, node: ast.arguments) -> ast.expr | None:
    positional = [*node.posonlyargs, *node.args]
    pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
    pairs += [(arg, value) for arg, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value is not None]
    return next((value for arg, value in pairs if arg.arg == name), None)
