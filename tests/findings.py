"""One small training for every check that makes it report: `make golden` stores what it says of each as JSON.

Of a check of runs it is the first case of its own tests in which it reports anything. What speaks of a config, a data
set or a trainer has its case here; so has a check of runs that reads those too (`OPT005-config`).
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from diagnose.checks import every_check
from diagnose.checks.base import About, Check
from diagnose.data.audio import Sound, resample
from diagnose.data.inspect import survey
from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Finding
from diagnose.gather import facts_before_training
from diagnose.report.as_json import dumps, finding_json
from tests.cases import cases_of
from tests.data.speaking import speak, write_set

CHECKS = Path(__file__).parent / "checks"

SOUND = "lr: 1.0e-3\nbatch_size: 10\ngrad_accum: 2\nepochs: 20\nwarmup_steps: 50\neval_steps: 50\nsave_steps: 100\n"
CONFIGS = {
    "CFG002": SOUND.replace("1.0e-3", "1e-3"),
    "CFG003": SOUND + "early_stopping_patience: 90\n",
    "CFG004": SOUND + "grad_clip: 0.0001\n",
    "OPT005-config": SOUND + "max_steps: 80\n",
}
TRAINER = """import yaml

cfg = yaml.safe_load(open("config.yaml"))
print(cfg["training"]["learning_rate"], cfg["training"].get("batch_size", 16), cfg["training"]["epochs"])
"""
MISPLACED = "data: {batch_size: 8}\ntraining: {learning_rate: 1.0e-4, epochs: 20, warmup_steps: 400}\n"

TEXTS = {
    "a": "the farmer sold red bread",
    "b": "today the child sang",
    "c": "the doctor found white honey",
    "d": "the sailor waited near the harbour",
}


def _loud(sound: Sound) -> Sound:
    return replace(sound, samples=np.clip(sound.samples * np.float32(6), -1.0, 1.0))


SOUNDS: Mapping[str, Callable[[], Sound]] = {
    "DAT103": lambda: Sound(np.zeros(22_050, np.float32), 22_050),
    "DAT105": lambda: Sound(speak(TEXTS["a"]).samples[:8000], 22_050),
    "DAT106": lambda: Sound(speak("a").samples[:4000], 22_050),
    "DAT107": lambda: Sound(np.tile(speak(TEXTS["a"]).samples, 25), 22_050),
    "DAT108": lambda: _loud(speak(TEXTS["a"])),
    "DAT113": lambda: resample(speak(TEXTS["a"]), 16_000),
}
ADDED_TEXTS = {
    "DAT104": " ... ",
    "DAT111": "Today, the child SANG!",
    "DAT112": "the farmer\u200b sold bread",
}


def _stereo(folder: Path) -> None:
    sound = speak(TEXTS["a"])
    soundfile.write(folder / "wavs" / "a.wav", np.stack([sound.samples] * 2, axis=1), sound.rate)


def _listed_twice(folder: Path) -> None:
    with (folder / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write("b|another text|another text\n")


def _shared_lists(folder: Path) -> None:
    lines = (folder / "metadata.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "metadata_train.csv").write_text("".join(lines[:3]), "utf-8")
    (folder / "metadata_val.csv").write_text("".join(lines[1:]), "utf-8")


DAMAGES: Mapping[str, Callable[[Path], object]] = {
    "DAT101": lambda folder: (folder / "wavs" / "a.wav").unlink(),
    "DAT102": lambda folder: (folder / "wavs" / "a.wav").write_bytes(b"no sound"),
    "DAT109": _stereo,
    "DAT110": _listed_twice,
    "DAT002-lists": _shared_lists,
}


@contextmanager
def _in_an_empty_folder() -> Iterator[None]:
    """What is read is then named without a folder."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _config(text: str, trainer: str | None = None) -> Diagnosis:
    config, source = Path("config.yaml"), Path("train.py")
    with _in_an_empty_folder():
        config.write_text(text, "utf-8")
        if trainer is not None:
            source.write_text(trainer, "utf-8")
        facts = facts_before_training(config, trainer=None if trainer is None else source)
    return examine(replace(facts, listed_for_training=1000))


def _dataset(name: str) -> Diagnosis:
    texts = TEXTS | ({"e": ADDED_TEXTS[name]} if name in ADDED_TEXTS else {})
    sounds = {"e": speak(TEXTS["b"])} | ({"a": SOUNDS[name]()} if name in SOUNDS else {})
    with _in_an_empty_folder():
        folder = write_set(Path("set"), texts, sounds)
        if name in DAMAGES:
            DAMAGES[name](folder)
        return examine(Facts(survey=survey(folder)))


def _run(check: Check) -> Diagnosis:
    """The first case of the check's own tests in which it reports anything."""
    module = importlib.import_module(f"tests.checks.{file_of_tests(check).stem}")
    for one in cases_of(module):
        if any(finding.code == check.code for finding in one.diagnosis.findings):
            return one.diagnosis
    raise LookupError(f"{check.code}: in no case of {file_of_tests(check).name} does {check.name} report anything")


def file_of_tests(check: Check) -> Path:
    """Where the tests of a check of runs are."""
    return CHECKS / f"test_{check.name.replace('-', '_')}.py"


CASES: Mapping[str, Callable[[], Diagnosis]] = {
    **{check.code: partial(_run, check) for check in every_check() if check.about is About.RUN},
    **{name: partial(_config, text) for name, text in CONFIGS.items()},
    **{name: partial(_dataset, name) for name in (*SOUNDS, *ADDED_TEXTS, *DAMAGES)},
    "CFG001": partial(_config, MISPLACED, TRAINER),
}
"""The code of a check, or the code and what else it reads -> the case."""


def stored_in(name: str) -> str:
    """The file that holds what the check says in its case, seen from the root of the checkout."""
    return f"tests/golden_findings/{name}.json"


def findings_json(name: str) -> str:
    """What the check says in its case, as JSON. Raises LookupError where it says nothing."""
    code = name.partition("-")[0]
    found = [_finding(finding) for finding in CASES[name]().findings if finding.code == code]
    if not found:
        raise LookupError(f"{name}: {code} reports nothing in its case")
    return dumps(found)


def _finding(finding: Finding) -> dict[str, Any]:
    cures = [asdict(cure) for cure in finding.prescriptions]
    return {**finding_json(finding), "examples": finding.examples, "prescriptions": cures}
