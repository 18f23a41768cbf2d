"""Hydra and Lightning's command line: what they do with a config themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from diagnose.usage.files import LEVELS_UP
from diagnose.usage.flow import is_hydra_main
from diagnose.usage.libraries import names_of
from diagnose.usage.project import Project
from diagnose.usage.reachable import Reachable
from diagnose.usage.references import classes_of_tags
from diagnose.usage.report import KeyState, KeyUse, Place, read_by, unknown
from diagnose.usage.values import Scope

MOST_FILES = 500
PACKAGE = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)
KEY = re.compile(r"^ *(\w+) *:", re.MULTILINE)
MAKERS = {
    "instantiate": "_target_",
    "LightningCLI": "class_path",
    "build_from_cfg": "type",  # of mmengine, as from_cfg of its Runner
    "from_cfg": "type",
    "load_hyperpyyaml": "!new",
}
DUNDER = re.compile("_[a-z]+_")  # `_target_`, `_partial_`, `_args_`: Hydra's own keys


class Frameworks:
    """Which of them start the trainer, and what of the config is theirs."""

    def __init__(self, reach: Reachable, config: Mapping[str, Any], config_file: Path | None) -> None:
        self.reach, self.config, self.config_file = reach, config, config_file
        self._hydra = list(filter(is_hydra_main, reach.scopes))
        self.lightning = next((scope for scope, _ in reach.calls_named("LightningCLI")), None)
        """Where Lightning's command line is started, which reads the config itself."""

        self.tags = classes_of_tags(config_file) if self._makers.keys() & {"!new"} else {}
        self._folder, told = hydra_folders(reach.project, config_file)
        self.composes_elsewhere = told and config_file is not None and self._folder is None

    @cached_property
    def included(self) -> list[Path]:
        """The files that Hydra may put the config together from."""
        return _files_of(self._folder or (self.config_file.parent if self.config_file and self._hydra else None))

    @cached_property
    def _brain(self) -> Place | None:
        """Where the trainer of SpeechBrain is made."""
        return next((Place(scope.module.shown, call.lineno) for scope, call in self.reach.calls_named("Brain")), None)

    @cached_property
    def _makers(self) -> dict[str, Place]:
        """The keys that name a class, each with a place that makes an object of its section."""
        calls = [(key, call) for maker, key in MAKERS.items() for call in self.reach.calls_named(maker)]
        return {key: Place(scope.module.shown, call.lineno) for key, (scope, call) in reversed(calls)}

    def use(self, path: tuple[str, ...], handed_on: bool) -> KeyUse | None:
        """What becomes of a key that one of them reads, or of a section that it makes an object from."""
        section: Any = self.config
        makers = self._makers.keys() - (set() if handed_on else {"type"})
        if path in self.tags:
            return read_by(path, "made when the file is loaded", self._makers["!new"])
        for depth in range(len(path)):
            if path[:depth] in self.tags:
                return self._of_class(path, self.tags[path[:depth]], path[depth:], self._makers["!new"])
            for name in makers & section.keys():
                rest = path[depth + 1 :] if path[depth] == "init_args" else path[depth:]
                return self._of_class(path, str(section[name]), rest, self._makers[name])
            section = section[path[depth]]
        return self._its_own(path)

    def _its_own(self, path: tuple[str, ...]) -> KeyUse | None:
        """A key that is for one of them alone."""
        if self._hydra and path[0] in {"hydra", "defaults"}:
            return read_by(path, "read by Hydra itself", _place(self._hydra[0]))
        if self._brain and len(path) == 1 and path[0] in names_of("brain_options"):
            return read_by(path, "SpeechBrain's Brain reads it", self._brain)
        if self.lightning is not None:
            reason = "LightningCLI takes it, and refuses a key that nothing takes"
            return read_by(path, reason, _place(self.lightning))
        return None

    def _of_class(self, path: tuple[str, ...], text: str, rest: tuple[str, ...], maker: Place) -> KeyUse:
        """A key of the section that an object of a class is made from; `rest`: its path inside the arguments."""
        found, name = self.reach.project.named([text]), text.rpartition(".")[2]
        made = f"{name} is made from its section"
        if not found or DUNDER.fullmatch(rest[0]) or rest[0] in self._makers:
            # what a library is given it uses: a key that it does not know stops the run
            return read_by(path, made, _place(found[0]) if found else maker)
        methods = [one.method("__init__") if one.kind == "class" else one for one in found]
        taking = [method for method in methods if method is not None and rest[0] in method.parameters]
        using = [method for method in taking if self.reach.uses(method, rest[0])]
        if using:
            return read_by(path, f"parameter of {name}", _place(using[0]))
        if len(taking) < len(found):
            return unknown(".".join(path), made)
        reason = f"{name} takes the parameter and does not use it"
        return KeyUse(".".join(path), KeyState.DEAD, reason=reason, place=_place(taking[0]))


def hydra_folders(project: Project, config_file: Path | None) -> tuple[Path | None, bool]:
    """The folder in which Hydra looks for its first file, if this one lies in it or below; whether it is told one."""
    names = set()
    for scope in (one for module in project.modules for one in module.scopes.values() if is_hydra_main(one)):
        nodes = (node for one in scope.node.decorator_list for node in ast.walk(one))
        words = (node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "config_path")
        texts = (getattr(node, "value", None) for word in words for node in ast.walk(word))
        for path in (Path(text) for text in texts if isinstance(text, str)):
            folder = path.parent if path.suffix in {".yaml", ".yml"} else path
            names.add(folder.name or scope.module.path.parent.name)  # `.`: beside the trainer
    above = config_file.resolve().parents if config_file else ()
    return next((folder for folder in above[:LEVELS_UP] if folder.name in names), None), bool(names)


def package_of(project: Project, config_file: Path | None, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The sections under which Hydra puts the keys of a file: those of its folder, or those that its head names.

    Hydra 0.11 puts them under none: a file then begins with the section of its folder.
    """
    folder, _ = hydra_folders(project, config_file)
    if folder is None or config_file is None:
        return ()
    group = config_file.resolve().parent.relative_to(folder).parts
    head = PACKAGE.search(config_file.read_text("utf-8", errors="replace"))
    parts = head[1].replace("_group_", ".".join(group)).split(".") if head else group * (config.keys() != {*group[:1]})
    return tuple(part for part in parts if part != "_global_")


def other_keys(project: Project, config_file: Path | None) -> frozenset[str]:
    """The groups, and the keys, that the other files have of which Hydra makes one config."""
    folder, _ = hydra_folders(project, config_file)
    files = [file for file in _files_of(folder) if config_file and file.resolve() != config_file.resolve()]
    groups = {part for file in files if folder for part in file.relative_to(folder).parts[:-1]}
    return frozenset(groups.union(*(KEY.findall(file.read_text("utf-8", errors="replace")) for file in files)))


def _files_of(folder: Path | None) -> list[Path]:
    return sorted(folder.rglob("*.yaml"))[:MOST_FILES] if folder else []


def _place(scope: Scope) -> Place:
    return Place(scope.module.shown, getattr(scope.node, "lineno", 1))
