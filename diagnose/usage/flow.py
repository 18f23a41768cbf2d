"""Where the sections of a config may be in the code that runs: the state of the search, and what it has noted."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from diagnose.usage.mentions import options
from diagnose.usage.project import Project
from diagnose.usage.reachable import Reachable
from diagnose.usage.report import Place
from diagnose.usage.syntax import FUNCTIONS, constant, defaults_of
from diagnose.usage.values import (
    ITSELF,
    NOTHING,
    RETURNED,
    Node,
    Outside,
    Scope,
    Text,
    Thing,
    Values,
    Variable,
    any_values,
    sections,
)

MOST_WORK = 12_000_000  # expressions looked at and values found in them: about 10 s; real trainers need 4 million
CHOSEN_BY_THE_RUN = "read under a key that only the run knows"
MOST_VALUES = 50  # a name with more holds anything: of the rest, only sections of the config are followed
ENOUGH_READS = 3  # named reads that prove a load to be the config: one key may be shared by chance
OTHER_FILE = "<another file>"
MOST_ROUNDS = 40  # the projects that were looked at need 3 to 14
SAVED = Outside("torch.load()")
"""What a library of tensors loads, and all that is in it."""
Evaluator = Callable[["Flow", Any, Scope], Values]
Key = TypeVar("Key", bound=Hashable)


class TooMuchError(Exception):
    """The source is too large to be followed."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a section at one place."""

    how: str
    place: Place

    def __str__(self) -> str:
        return f"{self.how} ({self.place})"


@dataclass(frozen=True, slots=True)
class AbsentRead:
    """A key that is read from a section which does not have it."""

    section: Node
    key: str
    default: str | None
    """What is used, as Python would write it."""
    place: Place
    by_attribute: bool


@dataclass
class Notes:
    """What became of the config, noted in the last round."""

    reads: dict[Node, set[Place]] = field(default_factory=lambda: defaultdict(set))
    absent: list[AbsentRead] = field(default_factory=list)
    consumed: dict[Node, Event] = field(default_factory=dict)
    """Sections of which every key is used."""
    computed: dict[Node, Event] = field(default_factory=dict)
    """Sections of which keys are read that only the run knows."""
    patterns: dict[Node, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What is known of such keys, as regular expressions."""
    fields: dict[Node, Event] = field(default_factory=dict)
    """Sections whose keys, but for those that classes of the project declare, are fields of a library's class."""
    escaped: dict[Node, Event] = field(default_factory=dict)
    """Sections that were handed to code that cannot be followed."""
    elsewhere: dict[str, Place] = field(default_factory=dict)
    """Names that are read from something known which is not the section in question."""
    unresolved: dict[str, Place] = field(default_factory=dict)
    """Names that are read from something that could not be followed."""
    followed: set[ast.AST] = field(default_factory=set)
    """String literals that are the key of a reading which was followed."""
    by_attribute: set[Node] = field(default_factory=set)
    """Sections of which a key is read as an attribute."""
    opened: set[Node] = field(default_factory=set)
    """Sections of which any value is taken: what is in it needs no name."""
    declared: set[str] = field(default_factory=set)
    """Fields of classes that a section is parsed into."""


class Flow:
    """A fixed point without order: every value that a name has anywhere, it may have everywhere."""

    def __init__(
        self,
        project: Project,
        reach: Reachable,
        config: Mapping[str, Any],
        file_name: str,
        evaluators: Mapping[type, Evaluator],
    ) -> None:
        self.project, self.reach, self.config, self.file_name = project, reach, config, file_name
        self._evaluators = evaluators
        self.notes = Notes()
        self.changed = True
        self.converged = False
        """Whether the last round before the notes learned nothing."""
        self.settled = False
        """Whether a key of which nothing is known by now is one that only the run knows."""
        self.final = False
        """The last round, which takes the notes."""
        self.work, self.most_work = 0, MOST_WORK
        self.sites: dict[Any, tuple[Scope, Node]] = {}
        """The places that load a config: a call, or a function that is given it."""
        self.saves_config = False
        """Whether what is loaded may be what a run like this one has saved of the config."""
        self.named_otherwise: set[Any] = set()
        """Those whose file has another name than the config's."""
        self.hits: dict[Any, set[tuple[Node, str]]] = defaultdict(set)
        self.misses: dict[Any, set[tuple[Node, str]]] = defaultdict(set)
        """By load: the keys that are read by name, with their section, which has them or has not."""
        self.in_message = False
        """Whether what is looked at is only shown if the run fails."""
        self.written: set[ast.AST] = set()
        """Expressions of which a member is assigned."""
        self.stored_anywhere: dict[str, Values] = {}
        """What was stored under an attribute, or a key, of this name anywhere."""
        self.package: tuple[str, ...] = ()
        """The sections under which Hydra puts the file."""
        self.other_keys: frozenset[str] = frozenset()
        """What the files beside it, of which Hydra makes one config, have."""
        self.looked_up: dict[Scope, bool] = {}
        """Functions that only look up a key, or their classes: whether a call gives one that is not written there."""
        self.asked: set[tuple[Scope, str]] = set()
        """Those of them that are being followed, each with its key."""
        self._outer: dict[tuple[Scope, str], Node] = {}
        self._rests: dict[tuple[Node, Scope], Node] = {}
        self._things: dict[Any, Thing] = {}

    @cached_property
    def own(self) -> Node | None:
        """The config, where it is a Python file that the trainer imports."""
        module = self.project.config_module
        return self.load(module.tree, module.scope) if module else None

    @cached_property
    def given(self) -> Values:
        """The config as a framework has it that was told its file on the command line (absl's flags, sacred)."""
        main = self.project.main
        if main is None or self.own is None:
            return frozenset({self.load(main.tree, main.scope)} if main else ())
        inside = (self.own.find(name) for name in ("config", "cfg"))
        return frozenset({self.own, *(one for one in inside if one and one.is_section)})

    @cached_property
    def flags(self) -> set[Any]:
        """The flags of absl that are a config."""
        calls = (call for _, call in self.reach.calls_named("DEFINE_config_file"))
        return {constant(call.args[0]) for call in calls if call.args}

    def run(self) -> None:
        """Rounds over all the code until one of them learns nothing, then one that takes notes.

        Raises TooMuchError when that is more work than anyone would wait for.
        """
        self._wrap_own_classes()
        for _ in range(MOST_ROUNDS):
            self.changed = False
            self._round()
            if not self.changed and self.settled:
                self.converged = True
                break
            self.settled |= not self.changed
        self.final, self.most_work = True, self.work + MOST_WORK
        self._round()

    def _wrap_own_classes(self) -> None:
        """Let the classes of the config's own module stand for its sections: `class Hyperparams: lr = 1e-3`."""
        module = self.project.config_module
        for scope in module.scope.names.values() if module else ():
            section = self.own_section(scope) if scope else None
            if scope and section:
                self.wrap([scope.instance], section.followed)

    def own_section(self, scope: Scope) -> Node | None:
        """What of the config's own module a scope there binds: all of it, or the section that a class is."""
        if self.own is None or scope.module.tree is not self.own.site:
            return None
        return self.own if scope.kind == "module" else self.own.find(scope.name) if scope.kind == "class" else None

    def _round(self) -> None:
        for scope in list(self.reach.scopes):
            self._enter(scope)
            if not self.looked_up.get(scope.owner or scope, True) and scope.looks_up:
                continue  # whoever calls it reads
            values = self.values(scope.body, scope)
            if isinstance(scope.node, ast.Lambda):
                self.put(scope.variables, RETURNED, values)

    def _enter(self, scope: Scope) -> None:
        """Bind what a function has before it runs: its instance and its defaults."""
        if is_hydra_main(scope) and scope.positional:
            self.put(scope.variables, scope.positional[0], frozenset({self._composed(scope)}))
        if scope.first and scope.owner:
            mine = self.wrapped(scope.owner.instance)
            mine = frozenset({scope.owner}) if scope.is_classmethod else mine | {scope.owner.instance}
            self.put(scope.variables, scope.first, mine)
        for name, default in defaults_of(scope.node).items() if scope.kind == "function" else ():
            self.put(scope.variables, name, self.value(default, scope.parent or scope))

    def value(self, node: ast.AST, scope: Scope) -> Values:
        """What an expression may be: any of its parts, where nothing else is known; a statement binds what it binds."""
        evaluate = self._evaluators.get(type(node))
        if evaluate is not None:
            found = evaluate(self, node, scope)
        else:
            parts = self.values(ast.iter_child_nodes(node), scope)
            parts = self.use(parts, node, scope) if isinstance(node, ast.UnaryOp | ast.BoolOp) else parts
            found = parts if isinstance(node, ast.expr) else NOTHING
        self.work += 1 + len(found)
        if self.work > self.most_work:
            raise TooMuchError
        return found

    def values(self, nodes: Iterable[ast.AST], scope: Scope) -> Values:
        """What any of several expressions may be."""
        return NOTHING.union(*[self.value(node, scope) for node in nodes])

    def put(self, holder: MutableMapping[Key, Values], key: Key, values: Values) -> None:
        """Let what `holder` has under `key` also be `values`."""
        known = holder.setdefault(key, NOTHING)
        if len(known) >= MOST_VALUES:
            values = sections(values)
        self.work += len(values)
        if not values <= known:
            self.work += len(known)
            holder[key] = known | values
            self.changed = True

    def wrap(self, things: Iterable[Thing], wrapped: Values) -> None:
        """These things, and all other objects of their classes, stand for sections from here on."""
        for thing in things if wrapped else ():
            self.put(thing.items, ITSELF, wrapped)

    def wrapped(self, thing: Thing) -> Values:
        """The sections that a thing stands for."""
        return thing.at(ITSELF)

    @cached_property
    def options(self) -> dict[str, tuple[str | None, Place]]:
        """The command line's options."""
        return options(self.reach)

    def named(self, text: Text) -> list[Scope]:
        """What a text of the config, with those beside it, names in the project."""
        section: Any = self.config
        for key in text.section:
            section = section[key]
        return self.project.named([value for value in section.values() if isinstance(value, str)])

    def thing(self, key: Any) -> Thing:
        """The list or dict that is made at this place."""
        return self._things.setdefault(key, Thing())

    def load(self, site: Any, scope: Scope) -> Node:
        """The config as it is loaded at this place."""
        if site not in self.sites:
            self.sites[site] = (scope, Node(site, (), self.config))
        return self.sites[site][1]

    def _composed(self, scope: Scope) -> Node:
        """The config that Hydra gives to a function: this file, or what it puts this file into."""
        node = self.load(scope.node, scope)
        for part in reversed(self.package):
            outer = self._outer.setdefault((scope, part), Node(scope.node, (), {}))
            outer.items[part] = frozenset({node})
            node = outer
        return node

    def of_other_files(self, section: Node, key: str) -> Values:
        """What Hydra has under a key that the file lacks and another one has; all that is in it is the same."""
        scope, _ = self.sites[section.site]
        if not is_hydra_main(scope) or not (key in self.other_keys or section.path == (OTHER_FILE,)):
            return NOTHING
        return frozenset({self._outer.setdefault((scope, OTHER_FILE), Node(section.site, (OTHER_FILE,), {}))})

    def rest_of(self, section: Node, func: Scope) -> Node:
        """What `**kwargs` has of a section: without the keys that the other parameters take."""
        rest = {key: value for key, value in section.data.items() if key not in func.parameters}
        if len(rest) == len(section.data):
            return section
        return self._rests.setdefault((section, func), Node(section.site, section.path, rest))

    def variables_of(self, name: str, scope: Scope) -> MutableMapping[str, Values]:
        """Where the values of a name are kept that is assigned in `scope`."""
        found = self.project.lookup(name, scope)
        outer = scope.module.scope if name in scope.outer_names else scope
        home = found[0].scope if found and isinstance(found[0], Variable) else outer
        return home.instance.items if home.kind == "class" else home.variables

    def place(self, node: ast.AST, scope: Scope) -> Place:
        """The line of a node."""
        node = node.target if isinstance(node, ast.comprehension) else node
        return Place(scope.module.shown, getattr(node, "lineno", 1))

    def note(self, noted: dict[Any, Event], values: Iterable[Any], how: str, node: ast.AST, scope: Scope) -> None:
        """Note what happens to sections here, in the last round."""
        for value in values if self.final else ():
            noted.setdefault(value, Event(how, self.place(node, scope)))

    def open(self, values: Values) -> None:
        """Note that any value of a section is taken, in the last round."""
        if self.final:
            self.notes.opened |= sections(values)

    def consume(self, values: Values, how: str, node: ast.AST, scope: Scope) -> None:
        """Note that every key of a section is used."""
        self.note(self.notes.consumed, sections(values), how, node, scope)

    def use(self, values: Values, node: ast.AST, scope: Scope) -> Values:
        """Note that any value of a section is used, in the last round; what is left then."""
        each = any_values(values)
        chosen, looped = ({one.section for one in each if one.chosen is is_so} for is_so in (True, False))
        if not self.in_message:
            self.note(self.notes.computed, chosen, CHOSEN_BY_THE_RUN, node, scope)
            self.note(self.notes.consumed, looped, "a loop uses its values", node, scope)
        return values - each

    def escape(self, values: Values, how: str, node: ast.AST, scope: Scope) -> None:
        """Note that a section is handed to code that cannot be followed."""
        self.note(self.notes.escaped, sections(values), how, node, scope)


def is_hydra_main(scope: Scope) -> bool:
    """Whether Hydra calls this function with the config."""
    return isinstance(scope.node, FUNCTIONS) and any("hydra" in ast.dump(one) for one in scope.node.decorator_list)
