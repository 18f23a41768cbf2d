# ruff: noqa: PTH100, PTH118, PTH119, PTH120, PTH121, PTH123 - pathlib may be what is watched
# (pathlib would cost start-up time in every Python process that the training starts.)
"""Runs inside the user's own training process, as `sitecustomize`: notes which keys of the config are read.

It is copied out of the package and started by Python itself, so it imports nothing but the standard library, prints
nothing, and whatever goes wrong in it leaves the training alone. The sections of the loaded config are a subclass of
`dict` that notes which keys are asked for; the keys and the values are those that the file has. Where a section is
copied, the copy is a plain dict: it is noted that the section was passed on, and nothing is concluded from it.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import json as _json
import os
import sys
from typing import Any

SETTINGS = _json.loads(os.environ.get("TTSDOC_TRACE", "{}"))
OUT, CONFIG, STEPS = SETTINGS.get("out", ""), SETTINGS.get("config", ""), int(SETTINGS.get("steps", 0))
DUMPERS = set("json yaml pprint logging ruamel reprlib rich wandb tensorboard tensorboardX toml".split())  # noqa: SIM905 - a list of words reads better than forty quotes
MOVERS = set("pydantic omegaconf hydra dacite attr attrs easydict munch box cattrs coqpit".split())  # noqa: SIM905 - a list of words reads better than forty quotes
HOME, STDLIB = os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.__file__) + os.sep
_seen: set[str] = set()
_state: dict[str, Any] = {"open": True, "steps": 0, "walk": None, "text": ""}


def note(**event: Any) -> None:
    """One line in this process's file of events; each event once."""
    line = _json.dumps(event, sort_keys=True)
    if not OUT or not _state["open"] or line in _seen:
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
        _state["open"] = False


def _asked(kind: str, path: Any) -> None:
    """Note what the line of the trainer does that is behind the method which calls this."""
    frame = sys._getframe(2)
    name, module = frame.f_code.co_filename, (frame.f_globals.get("__name__") or "").partition(".")[0]
    if module in DUMPERS or name == __file__:
        return
    here = (id(frame), frame.f_lasti)
    if kind == "walked":
        _state["walk"] = here
    elif _state["walk"] == here:  # `dict(section)` and `f(**section)` ask for the keys, then for each
        return
    elif module in MOVERS or (name.startswith(STDLIB) and "site-packages" not in name):
        kind = "walked"  # argparse, dataclasses, pydantic pass settings on
    note(kind=kind, path=list(path), file=name, line=frame.f_lineno)


class _LikeDict(type):
    """`type(section) == dict` stays true."""

    def __eq__(cls, other: object) -> bool:
        return other is dict or cls is other

    def __hash__(cls) -> int:
        return hash(dict)


def _noting(name: str, kind: str) -> Any:
    original = getattr(dict, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any) -> Any:
        if kind == "walked":
            _asked(kind, self.path)
        elif args and type(args[0]) is str and dict.__contains__(self, args[0]):
            _asked(kind, (*self.path, args[0]))
        return original(self, *args)

    return method


class Section(dict, metaclass=_LikeDict):  # type: ignore[type-arg]  # Python 3.8 cannot subscript dict
    """A section of the config that notes which of its keys are asked for, and who goes through all of it."""

    __slots__ = ("path",)

    def __init__(self, content: Any = (), path: tuple[str, ...] = ()) -> None:
        super().__init__(content)
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        _asked("walked", self.path)
        return (dict, (list(dict.items(self)),))


for _name in ("__getitem__", "get", "pop", "setdefault"):
    setattr(Section, _name, _noting(_name, "read"))
for _name in ("__iter__", "__reversed__", "keys", "items", "values", "popitem", "copy"):
    setattr(Section, _name, _noting(_name, "walked"))
Section.__contains__ = _noting("__contains__", "tested")  # type: ignore[method-assign]  # watched
Section.__name__, Section.__qualname__, Section.__module__ = "dict", "dict", "builtins"


def tracked(value: Any, path: tuple[str, ...] = ()) -> Any:
    """The same mapping as sections that take notes. A list counts as one value."""
    if type(value) is not dict or not all(type(key) is str for key in value):
        return value
    return Section({key: tracked(inner, (*path, key)) for key, inner in value.items()}, path)


def plain(value: Any) -> Any:
    """The value without anything of ours."""
    if isinstance(value, dict) and (type(value) is Section or type(value) is dict):
        return {key: plain(inner) for key, inner in dict.items(value)}
    if type(value) is list or type(value) is tuple:
        return type(value)(plain(inner) for inner in value)
    return value


def _loaded(value: Any) -> Any:
    """The config as the trainer gets it: watched, or as it is where the trainer asks for exact types."""
    note(kind="loaded", path=[])
    if type(value) is Section:
        return value  # one loader called another
    if SETTINGS.get("exact") or type(value) is not dict:
        note(kind="walked", path=[])
        return value
    return tracked(value)


def is_config(source: Any) -> bool:
    """Whether a path, an open file or a text is the config's."""
    source = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    if isinstance(source, str) and ("\n" in source or "{" in source):
        return bool(source.replace("\r\n", "\n").lstrip("\ufeff").strip() == _state["text"])
    name = source if isinstance(source, (str, os.PathLike)) else getattr(source, "name", None)
    try:
        return isinstance(name, (str, os.PathLike)) and os.path.samefile(name, CONFIG)
    except (OSError, ValueError):
        return False


def _wrap(owner: Any, name: str, around: Any) -> None:
    """Replace `owner.name` by what `around` makes of it, once."""
    original = getattr(owner, name, None)
    if original is not None and not getattr(original, "_ttsdoc", False):
        made: Any = functools.wraps(original)(around(original))
        made._ttsdoc = True
        setattr(owner, name, made)


def _loader(position: int = 0) -> Any:
    """Around a function that turns a file into a mapping, or into several."""

    def around(original: Any) -> Any:
        def load(*args: Any, **kwargs: Any) -> Any:
            given = args[position] if len(args) > position else None
            source = given or next((kwargs[name] for name in ("stream", "fp", "s") if name in kwargs), None)
            ours = source is not None and is_config(source)
            value = original(*args, **kwargs)
            if ours and hasattr(value, "__next__"):
                return map(_loaded, value)
            return _loaded(value) if ours else value

        return load

    return around


def _plainly(original: Any, passes_on: bool = False) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if passes_on:
            note(kind="walked", path=[])
        return original(*(plain(arg) for arg in args), **kwargs)

    return call


def patch_loaders(module: Any) -> None:
    """PyYAML, json, toml: functions that turn a file into a dict."""
    for name in ("safe_load", "load", "load_all", "full_load", "unsafe_load", "loads"):
        _wrap(module, name, _loader())


def patch_omegaconf(module: Any) -> None:
    """OmegaConf keeps nodes of its own: its accessors take the notes; what it converts is passed on."""

    def accessor(kind: str) -> Any:
        def around(original: Any) -> Any:
            def access(self: Any, *args: Any, **kwargs: Any) -> Any:
                if not (args and str(args[0]).startswith("__")):
                    full = str(self._get_full_key(args[0] if args and kind == "read" else None))
                    _asked(kind, filter(None, full.replace("[", ".").replace("]", "").split(".")))
                return original(self, *args, **kwargs)

            return access

        return around

    for name in ("__getitem__", "__getattr__", "get", "pop"):
        _wrap(module.DictConfig, name, accessor("read"))
    for name in ("items", "values", "keys"):
        _wrap(module.DictConfig, name, accessor("walked"))
    module.OmegaConf.load = staticmethod(_loader()(module.OmegaConf.load))
    for name in ("create", "merge", "structured", "to_container", "to_object", "to_yaml", "select"):
        setattr(module.OmegaConf, name, staticmethod(_plainly(getattr(module.OmegaConf, name), passes_on=True)))


def patch_torch_optim(module: Any) -> None:
    """Count optimiser steps: before the first nothing is proved, after so many the start is over."""

    def stepped(*_: Any) -> None:
        _state["steps"] += 1
        if _state["open"]:
            note(kind="stepped", path=[])
            if _state["steps"] >= STEPS:
                note(kind="closed", path=[])
                _state["open"] = False

    module.register_optimizer_step_post_hook(stepped)


def patch_writers(module: Any) -> None:
    """`torch.save` and `marshal` are given the config as it was written: they take no subclass of dict."""
    for name in ("save", "dump", "dumps"):
        _wrap(module, name, _plainly)


def _ours(environment: Any) -> dict[str, str]:
    """The environment in which a Python that the run starts is watched too."""
    behind = environment.get("PYTHONPATH")
    path = HOME if not behind else HOME + os.pathsep + behind
    return {"PYTHONPATH": path, "TTSDOC_TRACE": _json.dumps({**SETTINGS, "behind": behind})}


def patch_subprocess(module: Any) -> None:
    """What the run starts gets our environment; this process itself never has it."""

    def around(original: Any) -> Any:
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            if len(args) < 11 and _state["open"]:  # the eleventh is `env`
                environment = os.environ if kwargs.get("env") is None else kwargs["env"]
                kwargs["env"] = {**environment, **_ours(environment)}
            original(self, *args, **kwargs)

        return init

    _wrap(module.Popen, "__init__", around)


def patch_spawn(module: Any) -> None:
    """`multiprocessing` starts its workers with the environment of this process."""

    def around(original: Any) -> Any:
        def launch(self: Any, *args: Any) -> Any:
            before = {name: os.environ.get(name) for name in ("PYTHONPATH", "TTSDOC_TRACE")}
            os.environ.update(_ours(os.environ))
            try:
                return original(self, *args)
            finally:
                _restore(before)

        return launch

    _wrap(module.Popen, "_launch", around)


def _restore(before: dict[str, Any]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


PATCHES = {
    "yaml": patch_loaders,
    "json": patch_loaders,
    "toml": patch_loaders,
    "tomllib": patch_loaders,
    "ruamel.yaml.main": lambda module: _wrap(module.YAML, "load", _loader(1)),
    "omegaconf": patch_omegaconf,
    "torch.optim.optimizer": patch_torch_optim,
    "torch.serialization": patch_writers,
    "marshal": patch_writers,
    "subprocess": patch_subprocess,
    "multiprocessing.popen_spawn_posix": patch_spawn,
}


def apply(name: str, module: Any) -> None:
    """Patch one module; a failure is noted and changes nothing."""
    try:
        PATCHES[name](module)
    except Exception as error:
        note(kind="failed", path=[], module=name, error=f"{type(error).__name__}: {error}")


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

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # watched
        return spec


def start() -> None:
    """Watch from here on, and let the sitecustomize that was behind this one run as it would have."""
    os.environ.pop("TTSDOC_TRACE", None)
    _restore({"PYTHONPATH": SETTINGS.get("behind")})
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != HOME]
    if OUT and CONFIG:
        note(kind="started", path=[])
        with open(CONFIG, encoding="utf-8", errors="replace") as file:
            _state["text"] = file.read().replace("\r\n", "\n").lstrip("\ufeff").strip()
        sys.meta_path.insert(0, Finder())
        for name in PATCHES:
            if name in sys.modules:
                apply(name, sys.modules[name])
    ours = sys.modules.pop("sitecustomize")
    spec = importlib.util.find_spec("sitecustomize")
    sys.modules["sitecustomize"] = ours
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if os.path.basename(__file__) == "sitecustomize.py":
    start()
