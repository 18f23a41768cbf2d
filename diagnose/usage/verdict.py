"""One word for each key, from what was noted of the config's way through the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from diagnose.finding import Confidence
from diagnose.usage.flow import CHOSEN_BY_THE_RUN, ENOUGH_READS, GUESSED, AbsentRead, Event, Flow, is_hydra_main
from diagnose.usage.mentions import Mentions, handed_to_a_process, literal, mentions
from diagnose.usage.report import AbsentKey, KeyState, KeyUse, Place, leaf_paths, unknown
from diagnose.usage.values import Node, Scope

Path_ = tuple[str, ...]
PROBABLY = "cannot tell, probably unread"
MOST_FILES = 500
FAIR_SHARE = 0.5  # of the best load's share of keys that the file has: another load may be the config too


@dataclass
class Judge:
    """What the notes of the last round say of every key."""

    flow: Flow
    config: Mapping[str, Any]
    config_file: Path | None
    mentions: Mentions = field(init=False)

    def __post_init__(self) -> None:
        self.mentions = mentions(self.flow.reach, self.flow.notes.followed)

    def uses(self) -> Iterator[KeyUse]:
        """Every key of the config, in the order of the file."""
        for path in leaf_paths(self.config):
            dotted = ".".join(path)
            if path in self.reads and (chosen := self._chosen_by_the_run(path)) is not None:
                yield unknown(dotted, chosen)
            elif path in self.reads:
                yield KeyUse(dotted, KeyState.LIVE, reads=tuple(sorted(self.reads[path])))
            elif path[:-1] in self.consumed:
                used = self.consumed[path[:-1]]
                yield KeyUse(dotted, KeyState.LIVE, reads=(used.place,), reason=used.how)
            elif self._is_table(path[:-1]):
                used = self.computed[path[:-1]]
                yield KeyUse(dotted, KeyState.LIVE, Confidence.MEDIUM, reads=(used.place,), reason=used.how)
            elif (made := self._of_library(path)) is not None:
                yield made
            elif (reason := self.lost or self._open(path)) is not None:
                yield unknown(dotted, reason)
            else:
                yield self._unread(path)

    # --- which load is the config, and what became of it

    @cached_property
    def sites(self) -> set[Any]:
        """The loads whose file is this config: no value of it names the file, and its keys are those that are read."""
        flow = self.flow
        misses = {site: [one for one in flow.misses[site] if one[0] not in flow.notes.computed] for site in flow.sites}
        hits = {site: len(flow.hits[site]) for site in flow.sites}
        shares = {site: hits[site] / max(hits[site] + len(misses[site]), 1) for site in flow.sites}
        best = max(shares.values(), default=0.0)
        proved = any(share >= FAIR_SHARE and hits[site] >= ENOUGH_READS for site, share in shares.items())
        chosen = {site for site in flow.sites if hits[site] and shares[site] >= FAIR_SHARE * best}
        others = {site for site in flow.sites if not hits[site] and not misses[site]}
        return (chosen if proved else chosen | others) or set(flow.sites)

    def _by_path(self, noted: Mapping[Any, Any]) -> dict[Path_, Any]:
        found: dict[Path_, Any] = {}
        for node, what in noted.items():
            if isinstance(node, Node) and node.site in self.sites:
                found[node.path] = min(found.get(node.path, what), what, key=str)
        return found

    @cached_property
    def reads(self) -> dict[Path_, set[Place]]:
        """The keys that are read, and where."""
        found: dict[Path_, set[Place]] = {}
        for node, places in self.flow.notes.reads.items():
            if node.site in self.sites:
                found.setdefault(node.path, set()).update(places)
        return found

    @cached_property
    def consumed(self) -> dict[Path_, Event]:
        """Sections of which every key is used."""
        return self._by_path(self.flow.notes.consumed)

    @cached_property
    def computed(self) -> dict[Path_, Event]:
        """Sections of which keys are read that only the run knows."""
        everywhere = self.flow.notes.computed.get(None)
        return self._by_path(self.flow.notes.computed) | ({(): everywhere} if everywhere else {})

    @cached_property
    def escaped(self) -> dict[Path_, Event]:
        """Sections that went where they cannot be followed."""
        return self._by_path(self.flow.notes.escaped)

    @cached_property
    def tested(self) -> dict[Path_, Event]:
        """Keys whose presence alone is asked for."""
        return self._by_path(self.flow.notes.tested)

    @cached_property
    def named_sections(self) -> set[Path_]:
        """The sections of which some key is read by its name."""
        return {path[:end] for path in self.reads for end in range(len(path))}

    # --- why nothing can be known

    @cached_property
    def lost(self) -> str | None:  # noqa: PLR0911 - one case, one answer
        """Why nothing can be known of any key that is not read."""
        flow = self.flow
        if self._lightning is not None:
            return None
        if not flow.converged:
            return "the source goes in circles that could not be followed to their end"
        if flow.notes.executed:
            return f"code is made and run at {flow.notes.executed}"
        if self._composed_elsewhere:
            return "Hydra puts the config together from several files; this one is not the first"
        if not flow.sites:
            return (
                f"no place was found where {flow.project.main.shown if flow.project.main else ''} loads a config file"
            )
        if not (self.named_sections or self.computed or self.consumed or self.escaped):
            return "the file that the trainer reads has other keys"
        return handed_to_a_process(flow.reach, [(flow.sites[site][0], site) for site in self.sites])

    @cached_property
    def _composed_elsewhere(self) -> bool:
        """Whether Hydra looks for its first file in another folder than that of this one."""
        near = self.config_file.resolve().parent.name if self.config_file else None
        for scope in filter(is_hydra_main, self.flow.reach.scopes):
            words = [word for call in scope.node.decorator_list for word in getattr(call, "keywords", [])]
            for word in (word for word in words if word.arg == "config_path" and near):
                texts = {one.value for one in ast.walk(word.value) if isinstance(one, ast.Constant)}
                paths = [Path(text) for text in texts if isinstance(text, str)]
                folders = {path.parent.name if path.suffix in {".yaml", ".yml"} else path.name for path in paths}
                beside = {scope.module.path.parent.name} if texts & {".", ""} else set()
                if texts and near not in (folders - {""}) | beside:
                    return True
        return False

    @cached_property
    def composed_with(self) -> list[Path]:
        """The files of the same folder that Hydra may put the config together from."""
        if self.config_file is None or not self._is_hydra:
            return []
        return sorted(self.config_file.parent.rglob("*.yaml"))[:MOST_FILES]

    def _open(self, path: Path_) -> str | None:
        """Why nothing can be known of one key."""
        name, above = path[-1], [path[:end] for end in range(len(path) - 1, -1, -1)]
        if name.startswith("_") and name.endswith("_"):
            return "a key for the library that makes objects from the config"
        if path in self.tested:
            return str(self.tested[path])
        escaped = next((self.escaped[one] for one in above if one in self.escaped), None)
        if escaped and name not in self.flow.notes.declared:
            what = ".".join(next(one for one in above if one in self.escaped)) or "the whole config"
            return f"{what} is {escaped}"
        computed = next((self.computed[one] for one in above if one in self.computed), None)
        if computed and (self.mentions.has(name) or self.mentions.resembles(name) or self._may_be_computed(path)):
            return str(computed)
        taken = any(one in self.reads and one not in self.named_sections for one in above)
        if taken:
            return "its section is taken, but no key of it"
        return None

    def _chosen_by_the_run(self, path: Path_) -> str | None:
        """Why a reading may be one of another section: only the run knows which of several it is of."""
        for end in range(1, len(path)):
            event = self.computed.get(path[: end - 1])
            if event and event.how == CHOSEN_BY_THE_RUN and path[:end] not in self.reads:
                return str(event)
        return None

    def _is_table(self, section: Path_) -> bool:
        """Whether a section is a table that is looked up by data (speaker names): any key of it may be asked for."""
        event, content = self.computed.get(section), self._at(section)
        plain = bool(section) and not any(isinstance(value, Mapping) for value in content.values())
        chosen = event is not None and event.how == CHOSEN_BY_THE_RUN
        return plain and chosen and section not in self.named_sections and self._may_be_computed((*section, ""))

    def _may_be_computed(self, path: Path_) -> bool:
        patterns = self._by_path(self.flow.notes.patterns).get(path[:-1], [])
        return any(re.fullmatch(pattern, path[-1]) for pattern in patterns)

    def _of_library(self, path: Path_) -> KeyUse | None:
        """A key that Hydra or Lightning's command line reads, or of a section that they make an object from."""
        for end in range(len(path) - 1, -1, -1):
            section = self._at(path[:end])
            for name in self._target_names & section.keys():
                rest = path[end + 1 :] if path[end] == "init_args" else path[end:]
                return self._of_class(path, str(section[name]).rpartition(".")[2], rest)
        if self._is_hydra and path[0] in {"hydra", "defaults"}:
            main = next(filter(is_hydra_main, self.flow.reach.scopes))
            return _read_by(path, "read by Hydra itself", main)
        if self._lightning is not None:
            return _read_by(path, "LightningCLI takes it, and refuses a key that nothing takes", self._lightning)
        return None

    @cached_property
    def _is_hydra(self) -> bool:
        return any(map(is_hydra_main, self.flow.reach.scopes))

    @cached_property
    def _lightning(self) -> Scope | None:
        """Where Lightning's command line is started, which reads the config itself."""
        return next((scope for scope, _ in self.flow.reach.calls_named("LightningCLI")), None)

    @cached_property
    def _target_names(self) -> set[str]:
        """The keys under which a section names the class that a library makes from it."""
        makes = any(self.flow.reach.calls_named("instantiate"))
        return {"_target_"} if makes else {"class_path"} if self._lightning is not None else set()

    def _of_class(self, path: Path_, name: str, rest: Path_) -> KeyUse:
        """A key of the section that an object of a class is made from; `rest`: its path inside the arguments."""
        found = self.flow.project.by_name.get(name, [])
        made = f"{name} is made from its section"
        if len(found) == 1 and rest[0] in self._target_names:
            return _read_by(path, made, found[0])
        method = found[0].method("__init__") if len(found) == 1 and found[0].kind == "class" else None
        if found and found[0].kind == "function":
            method = found[0]
        if method is None or rest[0] not in method.parameters:
            maker = self._lightning
            return _read_by(path, made, maker) if maker and not found else unknown(".".join(path), made)
        if method.uses(rest[0]):
            return _read_by(path, f"parameter of {name}", method)
        reason = f"{name} takes the parameter and does not use it"
        place = Place(method.module.shown, method.node.lineno)
        return KeyUse(".".join(path), KeyState.DEAD, reason=reason, place=place)

    def _at(self, path: Path_) -> Any:
        node: Any = self.config
        for key in path:
            node = node[key]
        return node

    # --- a key that nothing reads

    def _unread(self, path: Path_) -> KeyUse:  # noqa: PLR0911 - one case, one answer
        """Dead, misplaced, or probably so: by where its name appears in the code that can run."""
        name, notes, dotted = path[-1], self.flow.notes, ".".join(path)
        project = self.flow.project
        if project.computed_imports and name in project.words_elsewhere:
            return unknown(dotted, f"a module that only the run names may read it ({project.computed_imports[0]})")
        for section in (path[:end] for end in range(1, len(path))):
            if section[-1] in notes.unresolved and section not in self.reads and section not in self.named_sections:
                return unknown(dotted, f"{'.'.join(section)} is read from something not followed")
        if not self.mentions.has(name):
            return self._dead(path, Confidence.HIGH, "")
        if name in self.mentions.strings and name not in notes.elsewhere:
            return unknown(dotted, f"{PROBABLY}: its name is a string in the source, at no reading that was followed")
        if name in notes.open_parameters:
            return unknown(dotted, f"{PROBABLY}: it may be a keyword of a function that is called with `**`")
        loose = notes.unresolved | (notes.of_tensors if path[:-1] in self._by_attribute else {})
        if name in loose:
            return unknown(dotted, f"{PROBABLY}: its name is read from something not followed ({loose[name]})")
        if self.flow.most_level < GUESSED:
            return unknown(dotted, f"{PROBABLY}: it is mentioned in a source that is too large to follow all of it")
        return self._misplaced(path) or self._dead(path, Confidence.MEDIUM, self._elsewhere(name))

    @cached_property
    def _by_attribute(self) -> set[Path_]:
        """Sections that `x.device` may be read from, though tensors have a `device` too: not those of plain dicts."""
        sections = {path[:-1] for path in leaf_paths(self.config)}
        of_dicts = self.named_sections - {node.path for node in self.flow.notes.by_attribute}
        return sections - of_dicts

    def _elsewhere(self, name: str) -> str:
        place = self.flow.notes.elsewhere.get(name)
        return f"the name is read from something else ({place})" if place else ""

    def _misplaced(self, path: Path_) -> KeyUse | None:
        """Where the trainer reads the same name under another path, or from its command line."""
        dotted = ".".join(path)
        for read in self._absent_reads:
            instead = (*read.section.path, read.key)
            if read.key == path[-1] and instead != path:
                return _misplaced(dotted, ".".join(instead), read.default, read.place)
        folded = path[-1].replace("-", "_")
        if folded in self.flow.options and path[-1] in self.flow.notes.elsewhere:
            default, place = self.flow.options[folded]
            return _misplaced(dotted, f"--{path[-1]}", default, place)
        return None

    @cached_property
    def _absent_reads(self) -> list[AbsentRead]:
        """Those of the config; a line that reads the key where it exists too was followed too broadly."""
        hits = {(place, node.path[-1]) for node, places in self.flow.notes.reads.items() for place in places}
        found = [one for one in self.flow.notes.absent if one.section.site in self.sites]
        found = [one for one in found if (one.place, one.key) not in hits and not one.key.startswith("__")]
        by_attribute = {node.path for node in self.flow.notes.by_attribute}  # an attribute of a plain dict is no key
        found = [one for one in found if not one.by_attribute or one.section.path in by_attribute]
        return sorted(found, key=lambda one: (one.section.path, one.place))

    def _dead(self, path: Path_, confidence: Confidence, reason: str) -> KeyUse:
        coded = literal(self.flow.reach, path[-1])
        place, value = coded if coded is not None else (self._neighbours(path), None)
        return KeyUse(".".join(path), KeyState.DEAD, confidence, reason=reason, place=place, hard_coded=value)

    def _neighbours(self, path: Path_) -> Place | None:
        """Where the keys beside a dead one are read: there belongs the code that it lacks."""
        for end in range(len(path) - 1, -1, -1):
            places = [place for one, found in self.reads.items() if one[:end] == path[:end] for place in found]
            if places:
                return min(places)
        return None

    def absent(self) -> tuple[AbsentKey, ...]:
        """The keys that are read and that the file does not have."""
        found: dict[str, tuple[str | None, set[Place]]] = {}
        for read in self._absent_reads:
            path = ".".join((*read.section.path, read.key))
            found.setdefault(path, (read.default, set()))[1].add(read.place)
        return tuple(AbsentKey(path, default, tuple(sorted(places))) for path, (default, places) in found.items())


def _read_by(path: Path_, reason: str, scope: Scope) -> KeyUse:
    place = Place(scope.module.shown, getattr(scope.node, "lineno", 1))
    return KeyUse(".".join(path), KeyState.LIVE, Confidence.MEDIUM, reads=(place,), reason=reason)


def _misplaced(path: str, instead: str, default: str | None, place: Place) -> KeyUse:
    return KeyUse(path, KeyState.MISPLACED, Confidence.MEDIUM, instead=instead, default=default, place=place)
