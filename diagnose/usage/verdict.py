"""One word for each key, from what was noted of the config's way through the source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from diagnose.finding import Confidence
from diagnose.usage.flow import CHOSEN_BY_THE_RUN, ENOUGH_READS, Event, Flow
from diagnose.usage.frameworks import Frameworks
from diagnose.usage.mentions import handed_to_a_process, literal, mentions
from diagnose.usage.references import references
from diagnose.usage.report import IDLE, AbsentKey, KeyState, KeyUse, Place, leaf_paths, read_by, unknown
from diagnose.usage.values import Node

Path_ = tuple[str, ...]
PROBABLY = "cannot tell, probably unread"
FAIR_SHARE = 0.5  # of the best load's share of keys that the file has: another load may be the config too


class Judge:
    """What the notes of the last round say of every key."""

    def __init__(self, flow: Flow, config: Mapping[str, Any], config_file: Path | None) -> None:
        self.flow, self.config, notes = flow, config, flow.notes
        self.frameworks = Frameworks(flow.reach, config, config_file)
        self.mentions = mentions(flow.reach, notes.followed)
        self.sites = self._sites()
        """The loads whose file is this config."""
        self.reads: dict[Path_, set[Place]] = {}
        for node, places in notes.reads.items():
            if node.site in self.sites:
                self.reads.setdefault(node.path, set()).update(places)
        self.named_sections = {path[:end] for path in self.reads for end in range(len(path))}
        """The sections of which some key is read by its name."""
        self.consumed, self.escaped = self._by_path(notes.consumed), self._by_path(notes.escaped)
        self.computed, self.fields = self._by_path(notes.computed), self._by_path(notes.fields)
        self.opened = {node.path for node in notes.opened}
        self.absent_reads = self._absent_reads()
        self.made: set[Path_] = set()
        """The keys of sections that a framework makes objects from."""
        self.references = references(config, config_file, self.frameworks.included)
        self.lost = self._lost()
        """Why nothing can be known of any key that is not read."""

    def uses(self) -> Iterable[KeyUse]:
        """Every key of the config, in the order of the file; one that others name is read where these are."""
        found = {path: self._use(path) for path in leaf_paths(self.config)}
        naming = {path: by for path in found if (by := self._naming(path))}
        changed = True
        while changed:
            changed = False
            for path, by in naming.items():
                uses = [found.get(one, unknown("", "")) for one in by]
                read = next((use for use in uses if use.state is KeyState.LIVE), None)
                if read and found[path].state is not KeyState.LIVE:
                    found[path] = read_by(path, f"{read.path} refers to it", *read.reads)
                    changed = True
                elif found[path].state in IDLE and any(use.state is KeyState.UNKNOWN for use in uses):
                    found[path] = unknown(".".join(path), "another key refers to it")
                    changed = True
        return found.values()

    def _naming(self, path: Path_) -> set[Path_]:
        """The keys that name one, or its section: an empty path for those of another file."""
        dotted = f".{'.'.join(path)}."
        named = {(name, by) for name, by in self.references if by != path and f".{name}." in dotted}
        return {by for name, by in named if path not in self.made or name.rpartition(".")[2] == path[-1]}

    def _use(self, path: Path_) -> KeyUse:
        dotted, used = ".".join(path), self._used_whole(path)
        if path in self.reads:
            return KeyUse(dotted, KeyState.LIVE, reads=tuple(sorted(self.reads[path])))
        if used is not None:
            return read_by(path, used.how, used.place)
        made = self.frameworks.use(path, self._handed_on(path))
        if made is not None:
            self.made.add(path)
            return made
        reason = next(self._doubts(path), None)
        return self._unread(path) if reason is None else unknown(dotted, reason)

    def absent(self) -> tuple[AbsentKey, ...]:
        """The keys that are read and that the file does not have."""
        found: dict[str, tuple[str | None, set[Place]]] = {}
        for path, default, place in self.absent_reads:
            found.setdefault(".".join(path), (default, set()))[1].add(place)
        return tuple(AbsentKey(path, default, tuple(sorted(places))) for path, (default, places) in found.items())

    # --- which load is the config, and what became of it

    def _sites(self) -> set[Any]:
        """The loads whose file is this config: its keys are those that are read of it."""
        flow = self.flow
        sites = set(flow.sites) - flow.named_otherwise or set(flow.sites)  # no name is sure
        misses = {site: [one for one in flow.misses[site] if one[0] not in flow.notes.computed] for site in sites}
        hits = {site: len(flow.hits[site]) for site in sites}
        shares = {site: hits[site] / max(hits[site] + len(misses[site]), 1) for site in sites}
        best = max(shares.values(), default=0.0)
        proved = any(share >= FAIR_SHARE and hits[site] >= ENOUGH_READS for site, share in shares.items())
        chosen = {site for site in sites if hits[site] and shares[site] >= FAIR_SHARE * best}
        others = {site for site in sites if not hits[site] and not misses[site]}
        return (chosen if proved else chosen | others) or sites

    def _by_path(self, noted: Mapping[Any, Any]) -> dict[Path_, Any]:
        found: dict[Path_, Any] = {}
        for node, what in noted.items():
            if isinstance(node, Node) and node.site in self.sites:
                found[node.path] = min(found.get(node.path, what), what, key=str)
        return found

    def _absent_reads(self) -> list[tuple[Path_, str | None, Place]]:
        """Path, default and place; a line that reads the key where it exists too was followed too broadly."""
        hits = {(place, path[-1]) for path, places in self.reads.items() for place in places}
        by_attribute = {node.path for node in self.flow.notes.by_attribute}  # an attribute of a plain dict is no key
        found = [
            ((*one.section.path, one.key), one.default, one.place)
            for one in self.flow.notes.absent
            if one.section.site in self.sites
            and one.section.data  # of the file, not of what Hydra puts it into
            and (one.place, one.key) not in hits
            and not one.key.startswith("__")
            and (not one.by_attribute or one.section.path in by_attribute)
        ]
        return sorted(found, key=lambda one: (one[0][:-1], one[2]))

    # --- why nothing can be known

    def _lost(self) -> str | None:
        flow = self.flow
        main = flow.project.main.shown if flow.project.main else ""
        seen = self.named_sections or self.computed or self.consumed or self.escaped
        cases = [
            (not flow.converged, "the source goes in circles that could not be followed to their end"),
            (self.frameworks.composes_elsewhere, "Hydra starts with a config of another folder, not with this one"),
            (not flow.sites, f"no place was found where {main} loads a config file"),
            (not seen, "the file that the trainer reads has other keys"),
        ]
        if self.frameworks.lightning is not None:
            return None
        known = next((reason for is_so, reason in cases if is_so), None)
        return known or handed_to_a_process(flow.reach, [(flow.sites[site][0], site) for site in self.sites])

    def _doubts(self, path: Path_) -> Iterator[str]:
        """Why nothing can be known of a key that is not read by its name, the surest reason first."""
        if self.lost:
            yield self.lost
        if path[-1].startswith("_") and path[-1].endswith("_"):
            yield "a key for the library that makes objects from the config"
        yield from self._doubts_of_sections(path)
        yield from self._doubts_of_name(path)

    def _doubts_of_sections(self, path: Path_) -> Iterator[str]:
        name, above, loose = path[-1], [path[:end] for end in range(len(path) - 1, -1, -1)], self.flow.notes.unresolved
        for one in above:
            if one in self.escaped and name not in self.flow.notes.declared:
                yield f"{'.'.join(one) or 'the whole config'} is {self.escaped[one]}"
        mentioned = self.mentions.has(name) or self.mentions.resembles(name) or self._may_be_computed(path)
        yield from (str(self.computed[one]) for one in above if mentioned and one in self.computed)
        for one in above:
            if one in self.reads and one not in self.named_sections and name not in self.flow.notes.declared:
                yield "its section is taken, but no key of it"
            elif one and one not in self.named_sections and one[-1] in loose and all(map(self.mentions.has, one)):
                yield f"{'.'.join(one)} is read from something not followed"

    def _doubts_of_name(self, path: Path_) -> Iterator[str]:
        name, notes, project = path[-1], self.flow.notes, self.flow.project
        if project.computed_imports and name in project.words_elsewhere:
            yield f"a module that only the run names may read it ({project.computed_imports[0]})"
        if any(not self.mentions.has(path[end]) and path[:end] not in self.opened for end in range(len(path) - 1)):
            return  # whatever has its name is not of its section, which nothing takes
        if name in self.mentions.strings - notes.elsewhere.keys():
            yield f"{PROBABLY}: its name is a string in the source, at no reading that was followed"
        if name in notes.unresolved:
            yield f"{PROBABLY}: its name is read from something not followed ({notes.unresolved[name]})"

    def _handed_on(self, path: Path_) -> bool:
        """Whether a section of a key is given to a library."""
        return any(path[:end] in self.escaped for end in range(len(path)))

    def _used_whole(self, path: Path_) -> Event | None:
        """Why a key counts that is read with its section: all are used, or data look them up (speaker names)."""
        section = path[:-1]
        event, content = self.computed.get(section), self._at(section)
        plain = bool(section) and not any(isinstance(value, Mapping) for value in content.values())
        chosen = event is not None and event.how == CHOSEN_BY_THE_RUN
        table = plain and chosen and section not in self.named_sections and self._may_be_computed((*section, ""))
        of_library = None if path[-1] in self.flow.notes.declared else self.fields.get(section)
        return self.consumed.get(section) or (event if table else None) or of_library

    def _may_be_computed(self, path: Path_) -> bool:
        patterns = self._by_path(self.flow.notes.patterns).get(path[:-1], [])
        return any(re.fullmatch(pattern, path[-1]) for pattern in patterns)

    def _at(self, path: Path_) -> Any:
        node: Any = self.config
        for key in path:
            node = node[key]
        return node

    # --- a key that nothing reads

    def _unread(self, path: Path_) -> KeyUse:
        """Dead or misplaced: by where its name appears in the code that can run."""
        place = self.flow.notes.elsewhere.get(path[-1])
        reason = f"the name is read from something else ({place})" if place else ""
        if not self.mentions.has(path[-1]):
            return self._dead(path, Confidence.HIGH, "")
        return self._misplaced(path) or self._dead(path, Confidence.MEDIUM, reason)

    def _misplaced(self, path: Path_) -> KeyUse | None:
        """Where the trainer reads the same name under another path, or from its command line."""
        found = [(".".join(one), default, place) for one, default, place in self.absent_reads if one[-1] == path[-1]]
        folded = path[-1].replace("-", "_")
        if folded in self.flow.options and path[-1] in self.flow.notes.elsewhere:
            found.append((f"--{path[-1]}", *self.flow.options[folded]))
        for instead, default, place in found:
            if instead != ".".join(path):
                state, confidence = KeyState.MISPLACED, Confidence.MEDIUM
                return KeyUse(".".join(path), state, confidence, instead=instead, default=default, place=place)
        return None

    def _dead(self, path: Path_, confidence: Confidence, reason: str) -> KeyUse:
        place, value = literal(self.flow.reach, path[-1]) or (self._neighbours(path), None)
        return KeyUse(".".join(path), KeyState.DEAD, confidence, reason=reason, place=place, hard_coded=value)

    def _neighbours(self, path: Path_) -> Place | None:
        """Where the keys beside a dead one are read: there belongs the code that it lacks."""
        for end in range(len(path) - 1, -1, -1):
            places = [place for one, found in self.reads.items() if one[:end] == path[:end] for place in found]
            if places:
                return min(places)
        return None
