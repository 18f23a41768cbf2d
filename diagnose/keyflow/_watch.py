# ruff: noqa: PTH100, PTH118, PTH119, PTH120, PTH121, PTH123
# (pathlib would cost start-up time in every Python process that the training starts.)
"""Runs inside the user's own training process, as `sitecustomize`: notes which keys of the config are read.

It is copied out of the package and started by Python itself, so it imports nothing but the standard library, prints
nothing, and whatever goes wrong in it leaves the training alone.

How it sees a read: the keys of the loaded config are a subclass of `str` whose `==` takes a note. Looking a key up
in a dict compares the two keys, unless they are the very same object: so `cfg["lr"]` is noted, and walking over all
keys is not. The keys stay what they are through `dict(cfg)`, `**cfg`, `update`, `setattr(self, key, value)`: a copy
is followed without any work. The dict itself is a subclass that notes who walks over it.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import json as _json
import os
import sys
from opcode import opmap
from typing import Any

OUT = os.environ.get("TTSDOC_TRACE_OUT", "")
CONFIG = os.environ.get("TTSDOC_TRACE_CONFIG", "")
STEPS = int(os.environ.get("TTSDOC_TRACE_STEPS", "0") or 0)
PLAIN_DICTS = os.environ.get("TTSDOC_TRACE_PLAIN_DICTS", "") == "1"
HOME = os.path.dirname(os.path.abspath(__file__))
DUMPERS = (
    "json",
    "yaml",
    "pprint",
    "logging",
    "ruamel",
    "reprlib",
    "rich",
    "wandb",
    "tensorboard",
    "tensorboardX",
    "toml",
)
MOVERS = ("pydantic", "omegaconf", "hydra", "dacite", "attr", "attrs", "easydict", "munch", "box", "cattrs", "coqpit")
STDLIB = os.path.dirname(os.__file__) + os.sep
# `f(**cfg)` compares each key with the names of the parameters; `key in known`, `key == "lr"` look at the name alone.
WEAK = {opmap.get(name, -1) for name in ("CALL_FUNCTION_EX", "CONTAINS_OP", "COMPARE_OP")}
CONTENT = ""
_seen: set[str] = set()
_open: dict[str, Any] = {"window": True, "steps": 0, "walk": None}


def note(**event: Any) -> None:
    """One line in this process's file of events; each event once."""
    if not OUT or not _open["window"]:
        return
    line = _json.dumps(event, sort_keys=True)
    if line in _seen:
        return
    _seen.add(line)
    try:
        handle = os.open(
            os.path.join(OUT, f"events-{os.getpid()}.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
        )
        try:
            os.write(handle, (line + "\n").encode("utf-8", "surrogatepass"))
        finally:
            os.close(handle)
    except OSError:
        _open["window"] = False


def _reader(depth: int) -> tuple[Any, bool] | None:
    """The line of the trainer that asks, and whether it only compares names."""
    frame = sys._getframe(depth)
    if frame.f_code.co_filename == __file__:
        return None
    code = frame.f_code.co_code
    compares = 0 <= frame.f_lasti < len(code) and code[frame.f_lasti] in WEAK
    return frame, compares


def _module(frame: Any) -> str:
    name: str = frame.f_globals.get("__name__") or ""
    return name.partition(".")[0]


class _LikeStr(type):
    """`type(key) == str` stays true."""

    def __eq__(cls, other: object) -> bool:
        return other is str or cls is other

    def __ne__(cls, other: object) -> bool:
        return not cls == other

    def __hash__(cls) -> int:
        return hash(str)


class Key(str, metaclass=_LikeStr):
    """A key of the config that notes when it is looked up."""

    __slots__ = ("above",)
    above: Key | None

    def __eq__(self, other: object) -> bool:
        same = str.__eq__(self, other)
        if same is True:
            _note_read(self)
        return same

    def __ne__(self, other: object) -> bool:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    __hash__ = str.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        note(kind="pickled", path=path_of(self))
        return (str, (str.__str__(self),))

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, memo: Any) -> Key:
        return self


def _note_read(key: Key) -> None:
    found = _reader(3)
    if found is None:
        return
    frame, compares = found
    if _module(frame) in DUMPERS:
        return
    same_call = _open["walk"] == (id(frame), frame.f_lasti)  # `options.update(config)` compares with keys already there
    kind = "unpacked" if compares or same_call or _only_moves(frame) else "read"
    note(kind=kind, path=path_of(key), file=frame.f_code.co_filename, line=frame.f_lineno)


def _only_moves(frame: Any) -> bool:
    """Whether the line belongs to code that passes settings on: argparse, dataclasses, pydantic."""
    name = frame.f_code.co_filename
    return _module(frame) in MOVERS or (name.startswith(STDLIB) and "site-packages" not in name)


def path_of(key: Key | None) -> list[str]:
    """The keys from the top of the config down to this one."""
    path = []
    while key is not None:
        path.append(str.__str__(key))
        key = getattr(key, "above", None)
    return path[::-1]


class _LikeDict(type):
    """`type(section) == dict` stays true."""

    def __eq__(cls, other: object) -> bool:
        return other is dict or cls is other

    def __ne__(cls, other: object) -> bool:
        return not cls == other

    def __hash__(cls) -> int:
        return hash(dict)


class Section(dict, metaclass=_LikeDict):  # type: ignore[type-arg]  # Python 3.8 cannot subscript dict
    """A section of the config that notes who walks over all of it."""

    __slots__ = ()

    def __iter__(self) -> Any:
        _note_walk(self)
        return dict.__iter__(self)

    def keys(self) -> Any:
        _note_walk(self)
        return dict.keys(self)

    def items(self) -> Any:
        _note_walk(self)
        return dict.items(self)

    def values(self) -> Any:
        _note_walk(self)
        return dict.values(self)

    def popitem(self) -> Any:
        _note_walk(self)
        return dict.popitem(self)

    def copy(self) -> Section:
        return Section(dict.items(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (list(dict.items(self)),))


_LOOKS: tuple[tuple[type, str], ...] = ((Section, "dict"), (Key, "str"))
for _ours, _looks_like in _LOOKS:
    _ours.__name__ = _ours.__qualname__ = _looks_like
    _ours.__module__ = "builtins"


def _note_walk(section: Section) -> None:
    found = _reader(3)
    if found is None or _module(found[0]) in DUMPERS:
        return
    _open["walk"] = (id(found[0]), found[0].f_lasti)
    first = next(dict.__iter__(section), None)
    if isinstance(first, Key):
        frame = found[0]
        note(kind="walked", path=path_of(first)[:-1], file=frame.f_code.co_filename, line=frame.f_lineno)


def tracked(value: Any, above: Key | None = None) -> Any:
    """The same mapping with keys that take notes. Lists count as one value."""
    if type(value) is not dict:
        return value
    made: dict[Any, Any] = {}
    for key, inner in value.items():
        if type(key) is str:
            named = Key(key)
            named.above = above
            made[named] = tracked(inner, named)
        else:
            made[key] = inner
    return made if PLAIN_DICTS else Section(made)


def plain(value: Any) -> Any:
    """The mapping without anything of ours."""
    if isinstance(value, dict) and (type(value) is Section or type(value) is dict):
        return {str.__str__(k) if isinstance(k, Key) else k: plain(v) for k, v in dict.items(value)}
    if type(value) is list or type(value) is tuple:
        return type(value)(plain(inner) for inner in value)
    return value


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").lstrip("\ufeff").strip()


def is_config(source: Any) -> bool:
    """Whether a path, an open file or a text is the config's."""
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace") if len(source) < 2 * len(CONTENT) + 64 else ""
    if isinstance(source, str) and ("\n" in source or "{" in source):
        return abs(len(source) - len(CONTENT)) <= len(CONTENT) + 64 and _normal(source) == CONTENT
    name = source if isinstance(source, (str, os.PathLike)) else getattr(source, "name", None)
    try:
        return isinstance(name, (str, os.PathLike)) and os.path.samefile(name, CONFIG)
    except (OSError, ValueError):
        return False


def _mapping_loader(original: Any) -> Any:
    @functools.wraps(original)
    def load(*args: Any, **kwargs: Any) -> Any:
        source = args[0] if args else next((kwargs[n] for n in ("stream", "fp", "s") if n in kwargs), None)
        if source is None or not is_config(source):
            return original(*args, **kwargs)
        if kwargs.get("object_hook") is not None:
            return _hooked(original, args, kwargs)
        loaded = original(*args, **kwargs)
        note(kind="loaded", file=CONFIG)
        return tracked(loaded)

    return load


def _mappings_loader(original: Any) -> Any:
    @functools.wraps(original)
    def load_all(*args: Any, **kwargs: Any) -> Any:
        ours = bool(args) and is_config(args[0])
        if ours:
            note(kind="loaded", file=CONFIG)
        for loaded in original(*args, **kwargs):
            yield tracked(loaded) if ours else loaded

    return load_all


def _hooked(original: Any, args: Any, kwargs: Any) -> Any:
    """Json's `object_hook` sees inner objects first: their keys learn what stands above them afterwards."""
    hook = kwargs["object_hook"]
    made: dict[int, Any] = {}

    def wrapped(mapping: Any) -> Any:
        marked = tracked(dict.fromkeys(mapping))
        for key in list(dict.keys(marked)):
            value = mapping[str.__str__(key)]
            dict.__setitem__(marked, key, value)
            for inner in made.get(id(value), (None, ()))[1]:
                inner.above = key
        result = hook(marked)
        made[id(result)] = (result, [key for key in dict.keys(marked) if isinstance(key, Key)])
        return result

    loaded = original(*args, **dict(kwargs, object_hook=wrapped))
    note(kind="loaded", file=CONFIG)
    return loaded


def patch_loaders(module: Any) -> None:
    """PyYAML, json, toml: functions that turn a file into a dict."""
    for name in ("safe_load", "load", "full_load", "unsafe_load", "loads"):
        original = getattr(module, name, None)
        if original is not None and not hasattr(original, "__wrapped__"):
            setattr(module, name, _mapping_loader(original))
    if hasattr(module, "load_all"):  # yaml.safe_load_all is made from it
        module.load_all = _mappings_loader(module.load_all)


def patch_ruamel(module: Any) -> None:
    """ruamel.yaml: `YAML(typ="safe").load`; its round-trip maps are their own kind of dict and are watched as such."""
    original = module.YAML.load

    def load(self: Any, stream: Any) -> Any:
        ours = is_config(stream)
        loaded = original(self, stream)
        if not ours:
            return loaded
        note(kind="loaded", file=CONFIG)
        if type(loaded) is dict:
            return tracked(loaded)
        _mark_commented(loaded, None)
        return loaded

    module.YAML.load = load


def _mark_commented(mapping: Any, above: Key | None) -> None:
    """Give a round-trip map of ruamel's watching keys in place; its comments and order stay."""
    if not hasattr(mapping, "insert"):
        return
    for position, (key, inner) in enumerate(list(mapping.items())):
        if type(key) is str:
            named = Key(key)
            named.above = above
            comment = mapping.ca.items.get(key)
            dict.__delitem__(mapping, key) if type(mapping).__mro__[1] is dict else mapping.pop(key)
            mapping.insert(position, named, inner)
            if comment is not None:
                mapping.ca.items[named] = comment
            if isinstance(inner, dict):
                _mark_commented(inner, named)


def patch_omegaconf(module: Any) -> None:
    """OmegaConf keeps nodes of its own: its accessors take the notes, and plain dicts made from it are watched."""
    config = module.DictConfig
    original_init = config.__init__

    def init(self: Any, content: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, plain(content), *args, **kwargs)

    config.__init__ = init
    for name in ("__getitem__", "__getattr__", "get", "pop"):
        setattr(config, name, _accessor(getattr(config, name)))
    for name in ("items", "values", "keys"):
        setattr(config, name, _walker(getattr(config, name)))
    _patch_conversions(module)


def _accessor(original: Any) -> Any:
    @functools.wraps(original)
    def access(self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        found = _reader(2)
        if found is not None and _module(found[0]) != "omegaconf" and not str(key).startswith("__"):
            _note_omega(self, key, "read", found[0])
        return original(self, key, *args, **kwargs)

    return access


def _walker(original: Any) -> Any:
    @functools.wraps(original)
    def walk(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = _reader(2)
        if found is not None and _module(found[0]) != "omegaconf":
            _note_omega(self, None, "walked", found[0])
        return original(self, *args, **kwargs)

    return walk


def _note_omega(config: Any, key: Any, kind: str, frame: Any) -> None:
    try:
        full = config._get_full_key(key)
    except Exception:  # an odd key: the accessor itself will say so
        return
    path = [part for part in str(full).replace("[", ".").replace("]", "").split(".") if part]
    note(kind=kind, path=path, file=frame.f_code.co_filename, line=frame.f_lineno)


def _patch_conversions(module: Any) -> None:
    omega = module.OmegaConf
    to_container, create, load = omega.to_container, omega.create, omega.load

    def watched_container(cfg: Any, *args: Any, **kwargs: Any) -> Any:
        made = to_container(cfg, *args, **kwargs)
        return made if type(made) is not dict else tracked(made, _key_above(cfg))

    def plain_create(obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        return create(plain(obj), *args, **kwargs) if obj is not None else create(*args, **kwargs)

    def watched_load(file_: Any) -> Any:
        if is_config(file_):
            note(kind="loaded", file=CONFIG)
        return load(file_)

    select = omega.select

    def watched_select(cfg: Any, key: str, *args: Any, **kwargs: Any) -> Any:
        found = _reader(2)
        if found is not None and isinstance(cfg, module.DictConfig):
            _note_omega(cfg, key, "read", found[0])
        return select(cfg, key, *args, **kwargs)

    omega.select = staticmethod(watched_select)
    omega.to_container = staticmethod(watched_container)
    omega.create = staticmethod(plain_create)
    omega.load = staticmethod(watched_load)


def _key_above(cfg: Any) -> Key | None:
    above: Key | None = None
    try:
        parts = str(cfg._get_full_key(None)).split(".")
    except Exception:  # a config that was taken out of its tree
        parts = []
    for part in parts:
        if part:
            named = Key(part)
            named.above = above
            above = named
    return above


def patch_torch_optim(module: Any) -> None:
    """Count optimiser steps, to know when the start is over."""

    def stepped(*_: Any) -> None:
        if _open["window"]:
            _open["steps"] += 1
            if _open["steps"] >= STEPS:
                note(kind="steps", count=_open["steps"])
                _open["window"] = False

    if STEPS and hasattr(module, "register_optimizer_step_post_hook"):
        module.register_optimizer_step_post_hook(stepped)


def patch_torch_serialization(module: Any) -> None:
    """A checkpoint holds the config as it was written: with plain keys, which `weights_only` accepts."""
    original = module.save

    @functools.wraps(original)
    def save(obj: Any, *args: Any, **kwargs: Any) -> Any:
        return original(plain(obj), *args, **kwargs)

    module.save = save


PATCHES = {
    "yaml": patch_loaders,
    "json": patch_loaders,
    "toml": patch_loaders,
    "ruamel.yaml.main": patch_ruamel,
    "omegaconf": patch_omegaconf,
    "torch.optim.optimizer": patch_torch_optim,
    "torch.serialization": patch_torch_serialization,
}


def apply(name: str, module: Any) -> None:
    """Patch one module; a failure is noted and changes nothing."""
    try:
        PATCHES[name](module)
    except Exception as error:
        note(kind="failed", module=name, error=f"{type(error).__name__}: {error}")


class Finder(importlib.abc.MetaPathFinder):
    """Patches a module right after it is first imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the other finders give, with the patch after its execution."""
        if name not in PATCHES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next((spec for finder in others if (spec := finder.find_spec(name, path, target)) is not None), None)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            apply(name, module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def start() -> None:
    """Watch from here on, and let the sitecustomize that stood behind this one run as it would have."""
    global CONTENT  # noqa: PLW0603 - known only once watching starts
    if OUT and CONFIG:
        note(kind="started", argv=list(getattr(sys, "orig_argv", [])))
        with open(CONFIG, encoding="utf-8", errors="replace") as file:
            CONTENT = _normal(file.read())
        sys.meta_path.insert(0, Finder())
        for name in PATCHES:
            if name in sys.modules:
                apply(name, sys.modules[name])
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != HOME]
    ours = sys.modules.pop("sitecustomize")
    spec = importlib.util.find_spec("sitecustomize")
    sys.modules["sitecustomize"] = ours
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if os.path.basename(__file__) == "sitecustomize.py":
    start()
