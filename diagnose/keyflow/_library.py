"""What the functions of Python and of well-known libraries do with a config."""

from __future__ import annotations

import ast
from collections.abc import Callable

from diagnose.keyflow._calls import Calls
from diagnose.keyflow._known import is_familiar, known
from diagnose.keyflow._machine import DATA_KINDS, raw
from diagnose.keyflow._values import (
    FOREIGN,
    NONE,
    NOTHING,
    STRANGE,
    UNKNOWN,
    Arguments,
    Atom,
    Class,
    Const,
    Dumped,
    Ext,
    File,
    Frame,
    Func,
    Method,
    Module,
    Node,
    Obj,
    Opaque,
    Option,
    Partial,
    Raw,
    Root,
    Super,
    Value,
    const,
    join,
    texts,
)
from diagnose.keyflow.report import Place

FILE_FUNCTIONS = ("os.path.", "pathlib.", "shutil.", "os.", "glob.", "io.", "codecs.", "gzip.", "tempfile.")
LAUNCHERS = ("subprocess.", "os.system", "os.exec", "os.popen", "os.spawn", "runpy.")


TARGET_KEYS = ("_target_", "_component_")  # Hydra, torchtune
HYDRA_KEYS = frozenset({"hydra", "defaults"})
HYDRA = "*hydra"  # the decorator that hydra.main returns


class Library(Calls):
    """One method for each kind of function; what is not known gets its arguments for good."""

    def call_library(self, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:  # noqa: PLR0911 - one case, one answer
        """A function from outside the project."""
        if known("loaders", name):
            return self._load(name, passed, node, frame)
        if name == HYDRA:
            return self._hydra_main(passed, node, frame)
        handled: Callable[..., Value] | None = getattr(self, "fn_" + name.replace(".", "_").lower(), None)
        if handled is not None:
            return handled(passed, node, frame)
        if known("wrappers", name):
            return self._wrap(passed, node, frame)
        if known("text_makers", name):
            return self._text(passed)
        if known("dumpers", name) or name.startswith("logging."):
            return FOREIGN
        if known("listers", name):
            return self._listed(passed, node, frame)
        if known("movers", name):
            return frozenset(atom for atom in passed.first() if not isinstance(atom, Const)) or FOREIGN
        return self._outside(name, passed, node, frame)

    def _outside(self, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        last = name.rpartition(".")[2]
        if known("logging_methods", last) and is_familiar(name):
            return FOREIGN
        if name.startswith(FILE_FUNCTIONS) and not name.startswith(LAUNCHERS):
            self.read_leaves(passed.all(), self.place(node, frame))
            return frozenset({File(self.origin(passed.all()))})
        suffixed = self._known_suffix(name, passed, node, frame)
        if suffixed is not None:
            return suffixed
        deep = not is_familiar(name)
        self.give(passed.all(), self.place(node, frame), name.removeprefix("builtins."), deep=deep)
        return (STRANGE if deep else FOREIGN) | self.carried(passed.all())

    def _known_suffix(self, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value | None:  # noqa: PLR0911 - one case, one answer
        """Functions that go by many module names."""
        last = name.rpartition(".")[2]
        if last in {"ArgumentParser", "ArgParser"}:
            return self._parser(name, passed, node, frame)
        if last == "HfArgumentParser":
            made = self.object("parser", node, frame)
            self.store(made, "*hf", passed.first("dataclass_types"))
            return frozenset({made})
        if last == "LightningCLI":
            return self._lightning_cli(passed, node, frame)
        if known("instantiators", name):
            return self._hydra_instantiate(passed, node, frame)
        if name == "torchtune.config.parse":
            return self._config_for(passed.first(), frozenset({Option("config")}), node, frame)
        if name == "hydra.main":
            return frozenset({Partial(frozenset({Ext(HYDRA)}), (passed.keywords.get("config_name", NONE),))})
        if last == "YAML" and name.startswith("ruamel"):
            return frozenset({Ext("ruamel.yaml.YAML")})
        if name.startswith("logging.getLogger") or last == "getLogger":
            return FOREIGN
        if name in {"dacite.from_dict", "cattrs.structure", "cattr.structure", "simple_parsing.helpers.from_dict"}:
            return self._from_dict(passed, node, frame)
        return None

    # --- loading and writing

    def _load(self, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        source = passed.first("stream", "fp", "s", "f", "config_name", "filename")
        back = join(*(atom.content for atom in source if isinstance(atom, Dumped)))
        if back:
            return self._hooked(frozenset(back), passed, node, frame)
        self.read_leaves(source, self.place(node, frame))
        origin = self.origin(source) or frozenset({"?"})
        if name.endswith("loads") and source and all(isinstance(atom, Const | Node) for atom in source):
            return FOREIGN
        place = self.place(node, frame)
        root = Node(Root(place.file, place.line, origin), ())
        self.ledger.roots.setdefault(root.root)
        loaded = self._hooked(frozenset({root}), passed, node, frame)
        return self.make_list([], loaded, node, frame) if name.endswith("_all") else loaded

    def _hooked(self, value: Value, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        hook = passed.keywords.get("object_hook", NOTHING)
        return value | (self.call(hook, Arguments([value]), node, frame) if hook else NOTHING)

    def _text(self, passed: Arguments) -> Value:
        first = passed.first()
        plain = frozenset(atom for atom in first if isinstance(atom, Const | File | Option | Opaque))
        if plain == first and first:
            return frozenset(Const.of(str(a.value), a.is_key) if isinstance(a, Const) else a for a in plain)
        return frozenset({Dumped(first)})

    def fn_torch_save(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A checkpoint may hold the config, and be read again."""
        if not passed.first("obj") <= self.saved:
            self.saved |= passed.first("obj")
            self.growth += 1
        return NONE

    def fn_torch_load(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """What was saved, or something foreign."""
        return self.saved | FOREIGN

    fn_pickle_load = fn_torch_load

    # --- wrapping and copying

    def _wrap(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """dict, SimpleNamespace, OmegaConf.merge and the like: all that goes in comes out."""
        found: Value = NOTHING
        place = self.place(node, frame)
        for value in passed.args:
            for atom in value:
                if isinstance(atom, Class):
                    found |= self.instantiate(atom, Arguments(spread=passed.spread), node, frame)
                elif isinstance(atom, Obj) and atom.kind == "list" and atom.elements:
                    made = self.object("dict", node, frame, part="pairs")
                    self.absorb(made, frozenset({atom}), place)
                    found |= {made, atom}
                elif not isinstance(atom, Func | Ext | Const):
                    found |= {atom}
        for held in list(found):
            if isinstance(held, Obj) and held.cls is not None:  # merged into a structured config
                self._fill(held, frozenset(atom for atom in found if isinstance(atom, Node)), node, frame)
        if passed.keywords or passed.more or not found:
            made = self.object("namespace", node, frame)
            for key, value in passed.keywords.items():
                self.store(made, key, value)
            self.store_rest(made, passed.more)
            found |= {made}
        return found

    def _listed(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        leaves = frozenset(atom for atom in passed.first() if isinstance(atom, Node) and self.ledger.keys(atom) is None)
        if leaves and leaves == passed.first():
            return leaves
        exact, rest = self.steady(passed.first(), node, frame)
        return self.make_list(exact, rest, node, frame)

    def fn_builtins_enumerate(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Pairs of a number and an element."""
        exact, rest = self.steady(passed.first(), node, frame)
        pairs = [self.make_list([FOREIGN, value], NOTHING, node, frame, f"pair{i}") for i, value in enumerate(exact)]
        others = self.make_list([FOREIGN, rest], NOTHING, node, frame, "others") if rest else NOTHING
        return self.make_list(pairs, others, node, frame)

    def fn_builtins_zip(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Tuples of the elements at one position."""
        columns = [self.steady(value, node, frame) for value in passed.args]
        length = min((len(exact) for exact, _ in columns), default=0)
        rows = [
            self.make_list([exact[i] for exact, _ in columns], NOTHING, node, frame, f"row{i}") for i in range(length)
        ]
        any_row = [join(rest, *exact) for exact, rest in columns]
        others = self.make_list(any_row, NOTHING, node, frame, "others") if any(r for _, r in columns) else NOTHING
        return self.make_list(rows, others, node, frame)

    def fn_builtins_map(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The function called on each element."""
        if len(passed.args) < 2:
            return FOREIGN
        exact, rest = self.steady(passed.args[1], node, frame)
        made = [self.call(passed.args[0], Arguments([value]), node, frame) for value in exact]
        others = self.call(passed.args[0], Arguments([rest]), node, frame) if rest else NOTHING
        return self.make_list(made, others, node, frame)

    def fn_builtins_filter(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The elements, each of which the function has seen."""
        self.fn_builtins_map(passed, node, frame)
        return passed.args[1] if len(passed.args) > 1 else FOREIGN

    def fn_builtins_range(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Numbers."""
        self.read_leaves(passed.all(), self.place(node, frame))
        return FOREIGN

    # --- names and attributes

    def fn_builtins_getattr(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """An attribute under a literal name, or under one that only the run knows."""
        if len(passed.args) < 2:
            return UNKNOWN
        base, key = passed.args[:2]
        default = passed.args[2] if len(passed.args) > 2 else NOTHING
        return join(*(self._getattr(atom, key, default, node, frame) for atom in base))

    def _getattr(self, atom: Atom, key: Value, default: Value, node: ast.AST, frame: Frame) -> Value:
        names = [str(part.value) for part in key if isinstance(part, Const)]
        match atom:
            case Node():
                return self.item(frozenset({atom}), key, node, frame, default)
            case Module(inner) if not names:
                return frozenset(
                    part for value in inner.names.values() for part in value if isinstance(part, Func | Class)
                )
            case Ext() if not names:
                return frozenset({atom})
        found = join(*(self.attribute(frozenset({atom}), name, node, frame) for name in names))
        if len(names) < len(key):
            found |= self._any_attribute(atom, key, node, frame) if isinstance(atom, Obj) else UNKNOWN
        return found | default

    def _any_attribute(self, obj: Obj, key: Value, node: ast.AST, frame: Frame) -> Value:
        members = [value for cls in self.lineage(obj.cls) for value in cls.fields.values()] if obj.cls else []
        methods = frozenset(self.bind(atom, frozenset({obj})) for value in members for atom in value)
        return self.raw_item(obj, key, node, frame) | methods

    def fn_builtins_setattr(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """`setattr(target, key, value)`."""
        if len(passed.args) == 3:
            target, key, value = passed.args
            self.store_into(target, key, value, self.place(node, frame))
        return NONE

    fn_object___setattr__ = fn_builtins_object___setattr__ = fn_builtins_setattr

    def fn_builtins_hasattr(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Only the presence is asked."""
        if len(passed.args) == 2:
            self.test_presence(passed.args[1], passed.args[0], node, frame)
        return FOREIGN

    def fn_builtins_vars(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The attributes of an object, or the names of this scope."""
        if not passed.args:
            return self.fn_builtins_locals(passed, node, frame)
        return frozenset(raw(atom) if isinstance(atom, Obj) else atom for atom in passed.first())

    def fn_builtins_globals(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The names of the module."""
        return frozenset({Module(frame.module)})

    def fn_builtins_locals(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The names of the scope."""
        if frame.parent is None:
            return frozenset({Module(frame)})
        made = self.object("dict", node, frame)
        for name, value in frame.names.items():
            self.store(made, name, value)
        return frozenset({made})

    def fn_builtins_super(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The class above."""
        scope: Frame | None = frame
        while scope is not None and scope.owner is None:
            scope = scope.parent
        return frozenset({Super(scope.owner, scope.receiver)}) if scope and scope.owner else UNKNOWN

    def fn_builtins_type(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The class of an object; with three arguments, a new class that holds the third."""
        if len(passed.args) == 3:
            made = self.object("namespace", node, frame)
            self.absorb(made, passed.args[2], self.place(node, frame))
            return frozenset({made})
        found = [frozenset({atom.cls}) for atom in passed.first() if isinstance(atom, Obj) and atom.cls is not None]
        return join(*found) or FOREIGN

    def fn_builtins_open(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A file, of which only the origin of its name is known."""
        self.read_leaves(passed.all(), self.place(node, frame))
        return frozenset({File(self.origin(passed.first("file")))})

    def fn_builtins_exec(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Code that is made while the trainer runs: nothing can be told any more."""
        value = passed.first()
        if not value or any(not isinstance(atom, Node) or self.ledger.keys(atom) for atom in value):
            self.ledger.lost = self.ledger.lost or f"code is made and run at {self.place(node, frame)}"
        self.read_leaves(value, self.place(node, frame))
        return UNKNOWN

    fn_builtins_eval = fn_builtins_exec

    def fn_importlib_import_module(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A module by its name."""
        names = texts(passed.first())
        self.read_leaves(passed.first(), self.place(node, frame))
        return join(*(self.load_module(name.lstrip("."), frame) for name in names)) or UNKNOWN

    fn_builtins___import__ = fn_importlib_import_module

    def fn_functools_partial(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A callable with some arguments given."""
        keywords = tuple(sorted(passed.keywords.items(), key=lambda pair: pair[0]))
        return frozenset({Partial(passed.first(), tuple(passed.args[1:]), keywords)}) | (
            UNKNOWN if passed.more else NOTHING
        )

    def fn_dataclasses_replace(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The object with some fields changed."""
        for atom in passed.first():
            for key, value in passed.keywords.items():
                self.store_into(frozenset({atom}), const(key), value, self.place(node, frame))
        return passed.first()

    def fn_dataclasses_field(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The default of a field."""
        made = self.call(passed.keywords.get("default_factory", NOTHING), Arguments(), node, frame)
        return passed.keywords.get("default", NOTHING) | made or FOREIGN

    fn_attr_ib = fn_attrs_field = fn_attr_field = fn_dataclasses_field

    def fn_pydantic_field(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The same, with the default in the first place too."""
        return (passed.args[0] if passed.args else NOTHING) | self.fn_dataclasses_field(passed, node, frame)

    def fn_dataclasses_fields(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """One object with a name for each field."""
        classes = [atom.cls if isinstance(atom, Obj) else atom for atom in passed.first()]
        elements: list[Value] = []
        for cls in classes:
            for name in self.field_names(cls) if isinstance(cls, Class) else ():
                made = self.object("namespace", node, frame, part=name)
                self.store(made, "name", const(name, True))
                elements.append(frozenset({made}))
        return self.make_list(elements, NOTHING if elements else FOREIGN, node, frame)

    # --- processes

    def fn_torch_multiprocessing_spawn(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The function with the rank and its arguments."""
        target = passed.first("fn")
        given = passed.keywords.get("args", passed.args[1] if len(passed.args) > 1 else NOTHING)
        exact, rest = self.elements(given, node, frame)
        return self.call(target, Arguments([FOREIGN, *exact], more=rest), node, frame)

    def fn_threading_thread(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The target with its arguments."""
        exact, rest = self.elements(passed.keywords.get("args", NOTHING), node, frame)
        inner = Arguments(exact, more=rest)
        self.spread(inner, passed.keywords.get("kwargs", NOTHING))
        self.call(passed.keywords.get("target", NOTHING), inner, node, frame)
        return FOREIGN

    fn_multiprocessing_process = fn_torch_multiprocessing_process = fn_threading_thread

    # --- weights and biases

    def fn_wandb_init(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """`config=` comes back as `wandb.config`."""
        for name in ("wandb.config", "*wandb_run.config"):
            self.remember(name, passed.keywords.get("config", NOTHING))
        return frozenset({Ext("*wandb_run")})

    def fn_wandb_config_update(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The same, later."""
        self.remember("wandb.config", passed.first())
        return NONE

    # --- methods

    def call_method(self, base: Atom, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:  # noqa: PLR0911 - one case, one answer
        """A method that the project does not define."""
        match base:
            case Node():
                return self._node_method(base, name, passed, node, frame)
            case Obj():
                return self._object_method(base, name, passed, node, frame)
            case Const():
                return self._text_method(base, name, passed, node, frame)
            case Class():
                return self._class_method(base, name, passed, node, frame)
            case File():
                return self._file_method(base, name, passed, node, frame)
            case Raw():
                found = self._mapping_method(frozenset({base}), name, passed, node, frame)
                return self._foreign_method(base, name, passed, node, frame) if found is None else found
            case Dumped() | Option():
                return frozenset({base})
            case Module() if name == "update":
                return self._update(frozenset({base}), passed, self.place(node, frame))
            case Module() | Method():
                return UNKNOWN
        return self._foreign_method(base, name, passed, node, frame)

    def _foreign_method(self, base: Atom, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        if known("logging_methods", name):
            return FOREIGN
        deep = base is not Opaque.FOREIGN
        if base not in {Opaque.FOREIGN, Opaque.STRANGE}:
            self.wonder_all(passed, node, frame)
        self.give(passed.all(), self.place(node, frame), f".{name}() of an object that is not followed", deep=deep)
        return (frozenset({base}) if isinstance(base, Opaque) else UNKNOWN) | self.carried(passed.all())

    def _node_method(self, node_: Node, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        value: Value = frozenset({node_})
        if self.ledger.keys(node_) is None:
            self.give(passed.all(), self.place(node, frame), f".{name}()", deep=False)
            return value
        found = self._mapping_method(value, name, passed, node, frame)
        if found is not None:
            return found
        self.give(passed.all() | value, self.place(node, frame), f".{name}(), which is not known")
        return value | FOREIGN

    def _mapping_method(self, value: Value, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value | None:
        """The methods that dicts and config classes have in common; None for others."""
        if name in {"get", "pop", "setdefault", "__getitem__", "select"}:
            return self._lookup(value, name, passed, node, frame)
        if name in {"items", "values", "keys"}:
            return self._listing(value, name, node, frame)
        if name in {"update", "merge", "merge_with", "merge_update", "__init__", "update_from_dict", "__ior__"}:
            return self._update(value, passed, self.place(node, frame))
        if known("copying_methods", name):
            return value
        if name in {"__contains__", "has_key"}:
            self.test_presence(passed.first(), value, node, frame)
            return FOREIGN
        return self._plain_mapping_method(value, name, passed, node, frame)

    def _plain_mapping_method(
        self, value: Value, name: str, passed: Arguments, node: ast.AST, frame: Frame
    ) -> Value | None:
        if name in {"__setitem__", "__setattr__"} and len(passed.args) == 2:
            self.store_into(value, passed.args[0], passed.args[1], self.place(node, frame))
            return NONE
        return FOREIGN if name in {"__len__", "set_struct", "set_readonly", "clear", "dump", "pretty_text"} else None

    def _lookup(self, value: Value, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        default = passed.args[1] if len(passed.args) > 1 else passed.keywords.get("default", NONE)
        if name == "setdefault":
            self.store_into(value, passed.first(), default, self.place(node, frame))
        return self.item(value, passed.first("key"), node, frame, default)

    def _update(self, value: Value, passed: Arguments, place: Place) -> Value:
        for atom in value:
            for source in passed.args:
                self.absorb(atom, source, place)
            for key, entry in passed.keywords.items():
                self.store_into(frozenset({atom}), const(key), entry, place)
        return value

    def _listing(self, value: Value, name: str, node: ast.AST, frame: Frame) -> Value:
        rows: list[Value] = []
        rest: Value = NOTHING
        for atom in value:
            pairs = self.entries(atom)
            holder = atom.obj if isinstance(atom, Raw) else atom
            if isinstance(holder, Obj):
                rest |= holder.rest | join(*holder.elements)
            for key, entry in pairs:
                named = const(key, True)
                part = f"{name}.{key}.{id(atom) if isinstance(atom, Obj) else '.'.join(getattr(atom, 'path', ()))}"
                row = {"keys": named, "values": entry}.get(name)
                rows.append(self.make_list([named, entry], NOTHING, node, frame, part) if row is None else row)
        if rest and name == "items":
            rest = self.make_list([FOREIGN, rest], NOTHING, node, frame, "others")
        return self._fresh_list(rows, FOREIGN if rest and name == "keys" else rest)

    def _fresh_list(self, rows: list[Value], rest: Value) -> Value:
        """A list that nobody changes: the same contents are the same object in every pass."""
        key = ("listing", tuple(rows), rest)
        if key not in self.objects:
            self.objects[key] = Obj("list", None, elements=rows, rest=rest)
        return frozenset({self.objects[key]})

    def _object_method(self, obj: Obj, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:  # noqa: PLR0911 - one case, one answer
        value: Value = frozenset({obj})
        place = self.place(node, frame)
        bases = {base.rpartition(".")[2] for base in self.outer_bases(obj.cls)}
        if obj.kind == "parser" or "ArgumentParser" in bases:
            return self._parser_method(obj, name, passed, node, frame)
        if name in {"append", "add", "insert", "extend", "appendleft"} and obj.cls is None:
            for given in passed.args:
                exact, rest = self.elements(given, node, frame) if name == "extend" else ([], given)
                self.store_rest(obj, join(rest, *exact))
            return NONE
        if name in {"pop", "popleft", "popitem"} and not passed.args:
            return self.held(obj) or UNKNOWN
        if name == "save_hyperparameters":
            return self._save_hyperparameters(obj, passed, frame)
        if known("file_constructors", name):
            return self._load_into(obj, passed, node, frame)
        found = self._mapping_method(value, name, passed, node, frame)
        if found is not None:
            return found
        if obj.kind in DATA_KINDS:
            self.give(passed.all(), place, f".{name}()")
            return value | self.held(obj) | UNKNOWN
        return self._inherited_method(obj, name, passed, node, frame)

    def _inherited_method(self, obj: Obj, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        bases = self.outer_bases(obj.cls)
        deep = not all(is_familiar(base) for base in bases)
        self.give(passed.all(), self.place(node, frame), f"{bases[0] if bases else 'its class'}.{name}()", deep=deep)
        if deep:
            self.give(frozenset({obj}), self.place(node, frame), bases[0])
        self.handed.setdefault(obj)
        kept: Value = frozenset({obj}) if name in {"to", "cuda", "cpu", "train", "eval", "half", "float"} else NOTHING
        return kept | (STRANGE if deep else FOREIGN)

    def _save_hyperparameters(self, obj: Obj, passed: Arguments, frame: Frame) -> Value:
        """Lightning: the arguments of the constructor, or what is given, become `self.hparams`."""
        made = self.object("namespace", obj.cls.node if obj.cls else ast.Pass(), frame, part="hparams")
        for name, value in frame.names.items():
            if name != "self":
                self.store(made, name, value)
            for atom in value:
                if isinstance(atom, Obj) and atom.kind == "dict":  # `**kwargs` counts key by key
                    self.absorb(made, frozenset({atom}), self.place(ast.Pass(), frame))
        given = frozenset(atom for atom in join(*passed.args) if isinstance(atom, Node | Obj))
        self.store(obj, "hparams", frozenset({made}) | given)
        return NONE

    def _load_into(self, obj: Obj, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """`config.load_json(path)`: the file fills the fields of the object."""
        root = self._load(".load", Arguments([passed.first()]), node, frame)
        self._fill(obj, root, node, frame)
        return frozenset({obj})

    def _fill(self, obj: Obj, sections: Value, node: ast.AST, frame: Frame) -> None:
        for atom in sections:
            for key, value in self.entries(atom):
                inner = [held for held in obj.fields.get(key, NOTHING) if isinstance(held, Obj) and held.kind != "list"]
                for held in inner:
                    self._fill(held, value, node, frame)
                self.store_into(frozenset({obj}), const(key), value, self.place(node, frame))

    def _text_method(self, text: Const, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Methods of strings are carried out: keys are often made from others."""
        literals = [next(iter(value)) for value in passed.args if len(value) == 1]
        values = [atom.value for atom in literals if isinstance(atom, Const)]
        named = any(isinstance(atom, Const) and atom.is_key for atom in literals) or text.is_key
        if known("text_methods", name) and isinstance(text.value, str) and len(values) == len(passed.args):
            try:
                made = getattr(text.value, name)(*values)
            except (TypeError, ValueError, IndexError, KeyError):
                made = None
            if isinstance(made, str | bool):
                return const(made, named)
            if isinstance(made, list | tuple):
                return self.make_list([const(part, named) for part in made], NOTHING, node, frame, repr(made))
        files = frozenset(atom for atom in passed.all() if isinstance(atom, File | Option))
        if name in {"format", "join"}:
            used = (value for key, value in passed.keywords.items() if f"{{{key}" in str(text.value))
            self.read_leaves(join(*used), self.place(node, frame))
            return frozenset({Dumped(passed.all())}) | files
        self.give(passed.all(), self.place(node, frame), f".{name}()", deep=False)
        return FOREIGN

    def _file_method(self, file: File, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        if name in {"write", "write_text", "write_bytes", "writelines", "close"}:
            return FOREIGN
        self.read_leaves(passed.all(), self.place(node, frame))
        return frozenset({File(file.origin | self.origin(passed.all()))})

    def _class_method(self, cls: Class, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        if known("file_constructors", name):
            root = self._load(".load", Arguments([passed.first()]), node, frame)
            return self._from_section(cls, root, node, frame)
        if known("named_constructors", name) or name == "__new__":
            return self._from_section(cls, passed.all(), node, frame)
        self.give(passed.all(), self.place(node, frame), f"{cls.node.name}.{name}()")
        return STRANGE

    def _from_section(self, cls: Class, sections: Value, node: ast.AST, frame: Frame) -> Value:
        inner = Arguments()
        self.spread(inner, sections)
        return self.instantiate(cls, inner, node, frame)

    def _from_dict(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        everything = passed.all()
        sections = frozenset(atom for atom in everything if isinstance(atom, Node | Obj))
        classes = [atom for atom in everything if isinstance(atom, Class)]
        if not classes:
            self.give(everything, self.place(node, frame), "a library that makes objects")
            return STRANGE
        return join(*(self._from_section(cls, sections, node, frame) for cls in classes))

    # --- command lines

    def _parser(self, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        made = self.object("parser", node, frame)
        if not name.startswith("argparse."):
            self.store(made, "*strange", const(name))
        for parent in passed.keywords.get("parents", NOTHING):
            for value in [*parent.elements, parent.rest] if isinstance(parent, Obj) else []:
                self.absorb(made, value, self.place(node, frame))
        return frozenset({made})

    def _parser_method(self, obj: Obj, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        place = self.place(node, frame)
        if name == "add_argument":
            return self._add_argument(obj, passed, node, frame)
        if name == "set_defaults":
            for key, value in passed.keywords.items():
                self.store_into(frozenset({obj}), const(key), value, place)
            self.store_rest(obj, passed.more)
            return NONE
        if name in {"parse_args", "parse_known_args", "parse_intermixed_args"}:
            return self._parse_args(obj, name, passed, node, frame)
        if name.startswith("parse_") and "*hf" in obj.fields:
            return self._parse_dataclasses(obj, name, passed, node, frame)
        if name in {"parse_path", "parse_object", "parse_string", "add_class_arguments", "add_lightning_class_args"}:
            self.ledger.lost = self.ledger.lost or f"the config is read by jsonargparse ({place})"
            return UNKNOWN
        return frozenset({obj})

    def _add_argument(self, parser: Obj, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        flags = [text for value in passed.args for text in texts(value)]
        long = [flag for flag in flags if flag.startswith("--")] or flags
        dest = texts(passed.keywords.get("dest", NOTHING)) or [flag.lstrip("-").replace("-", "_") for flag in long[:1]]
        for name in dest:
            given: Value = frozenset({Option(name)})
            made = self.call(passed.keywords.get("type", NOTHING), Arguments([given]), node, frame)
            self.store(parser, name, given | made | passed.keywords.get("default", NONE))
            self._act(parser, passed.keywords.get("action", NOTHING), given, node, frame)
        if not dest:
            self.store_rest(parser, UNKNOWN)
        return FOREIGN

    def _act(self, parser: Obj, action: Value, given: Value, node: ast.AST, frame: Frame) -> None:
        """A class of the trainer's own that takes the option's value."""
        for atom in action:
            if isinstance(atom, Class):
                namespace: Value = frozenset({self.objects.setdefault(("arguments", id(parser)), Obj("namespace"))})
                made = self.instantiate(atom, Arguments(more=FOREIGN), node, frame)
                self.call(made, Arguments([frozenset({parser}), namespace, given], more=FOREIGN), node, frame)

    def _parse_args(self, parser: Obj, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        if "*strange" in parser.fields:
            self._configargparse(parser, node, frame)
        key = ("arguments", id(parser))
        made = self.objects.setdefault(key, Obj("namespace"))
        for dest, value in parser.fields.items():
            if not dest.startswith("*"):
                self.store(made, dest, value)
        self.store_rest(made, parser.rest)
        given = passed.keywords.get("namespace", passed.args[1] if len(passed.args) > 1 else NOTHING)
        for atom in given:
            self.absorb(atom, frozenset({made}), self.place(node, frame))
        found: Value = frozenset({made}) | given
        if "known" not in name:
            return found
        return self._fresh_list([found, FOREIGN], NOTHING)

    def _configargparse(self, parser: Obj, node: ast.AST, frame: Frame) -> None:
        """Parsers that fill the options from a config file."""
        root = self._load(".load", Arguments([frozenset({Option("config")})]), node, frame)
        for atom in root:
            for key, value in self.entries(atom):
                name = key.replace("-", "_")
                if name in parser.fields:
                    self.store(parser, name, value)
                else:
                    self.give(value, self.place(node, frame), "a parser that is not known")

    def _parse_dataclasses(self, parser: Obj, name: str, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """transformers.HfArgumentParser: each dataclass takes the keys of its own fields."""
        exact, rest = self.elements(parser.fields["*hf"], node, frame)
        kinds = exact + ([rest] if rest and not exact else []) if exact else [parser.fields["*hf"]]
        if name == "parse_args_into_dataclasses":
            root: Value = NOTHING
        elif name == "parse_dict":
            root = passed.first("args")
        else:
            root = self._load(".load", Arguments([passed.first("json_file", "yaml_file")]), node, frame)
        made = [self._take_fields(kind, root, node, frame) for kind in kinds]
        return self.make_list(made, NOTHING, node, frame)

    def _take_fields(self, kind: Value, root: Value, node: ast.AST, frame: Frame) -> Value:
        found: list[Value] = []
        for atom in kind:
            if isinstance(atom, Class):
                found.append(self._take_class(atom, root, node, frame))
            else:
                name = atom.name if isinstance(atom, Ext) else "a library's class"
                self._take_rest(root, name, node, frame)
                found.append(FOREIGN)
        return join(*found)

    def _take_class(self, cls: Class, root: Value, node: ast.AST, frame: Frame) -> Value:
        names = self.field_names(cls)
        passed = Arguments()
        self.spread(passed, root)
        passed.keywords = {key: value for key, value in passed.keywords.items() if key in names}
        made = self.object("instance", node, frame, cls)
        self.made.setdefault(made, None)
        self.set_fields(made, passed, node, frame)
        self.own_fields |= set(names) if not self.outer_bases(cls) else set()
        for base in self.outer_bases(cls):
            self._take_rest(root, base, node, frame)
        if not root:
            for name in names:
                self.store(made, name, frozenset({Option(name)}) | self.member(cls, name))
        return frozenset({made})

    def _take_rest(self, root: Value, name: str, node: ast.AST, frame: Frame) -> None:
        """A library's dataclass reads what the trainer's own do not."""
        for atom in root:
            for key, value in self.entries(atom):
                self.taken.setdefault(key, (value, f"read by {name} ({self.place(node, frame)})"))

    # --- frameworks that make objects from a config

    def _hydra_main(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """The function is called with the config, some sections of which are Hydra's own."""
        name, function = passed.args
        made = self._config_for(function, frozenset({File(frozenset({HYDRA}) | self.origin(name))}), node, frame)
        for root in self.ledger.roots:
            for key in HYDRA_KEYS & set(self.config) if HYDRA in root.origin else ():
                self.ledger.escape(Node(root, (key,)), "read by Hydra itself")
        return made

    def _config_for(self, function: Value, file: Value, node: ast.AST, frame: Frame) -> Value:
        """A function that a decorator calls with the config."""
        root = self._load(".load", Arguments([file]), node, frame)
        return frozenset({Partial(function, (root,))})

    def _hydra_instantiate(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        place = self.place(node, frame)
        found: list[Value] = []
        for atom in passed.first("config"):
            section = self.ledger.at(atom) if isinstance(atom, Node) else None
            key = next((k for k in TARGET_KEYS if isinstance(section, dict) and k in section), "")
            target = section[key] if key and isinstance(section, dict) else None
            if not isinstance(target, str):
                self.give(frozenset({atom}), place, "hydra.utils.instantiate")
                found.append(STRANGE)
                continue
            assert isinstance(atom, Node)
            inner = Arguments(list(passed.args[1:]), dict(passed.keywords))
            self.spread(inner, frozenset({atom}))
            self.ledger.read(Node(atom.root, (*atom.path, key)), place)
            inner.keywords = {key: value for key, value in inner.keywords.items() if key[:1] != "_"}
            found.append(self._make_target(target, inner, node, frame))
        return join(*found)

    def _make_target(self, target: str, inner: Arguments, node: ast.AST, frame: Frame) -> Value:
        module, _, name = target.rpartition(".")
        owner = self.load_module(module, frame) if module else UNKNOWN
        made = self.attribute(owner, name, node, frame)
        return self.call(made, inner, node, frame)

    def _lightning_cli(self, passed: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Lightning's command line: `model:` and `data:` fill the constructors, Lightning reads the rest."""
        root = self._load(".load", Arguments([frozenset({Option("config")})]), node, frame)
        given = [*passed.args, *(passed.keywords.get(f"{part}_class", NOTHING) for part in ("model", "datamodule"))]
        classes = [atom for value in given for atom in value if isinstance(atom, Class)]
        for atom in root:
            for key, section in self.entries(atom):
                kinds = classes[:1] if key == "model" else classes[1:2] if key == "data" else []
                if not kinds:
                    self.give(section, self.place(node, frame), "LightningCLI")
                for cls in kinds:
                    self.handed.setdefault(next(iter(self._from_cli(cls, section, node, frame))))  # type: ignore[arg-type]
        return FOREIGN

    def _from_cli(self, cls: Class, section: Value, node: ast.AST, frame: Frame) -> Value:
        for atom in section:
            keys = self.ledger.keys(atom) if isinstance(atom, Node) else None
            if isinstance(atom, Node) and keys and "class_path" in keys:
                self.give(frozenset({atom}), self.place(node, frame), "LightningCLI")
        return self._from_section(cls, section, node, frame)
