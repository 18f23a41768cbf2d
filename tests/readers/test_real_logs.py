"""Real logs are read to the values that were found in them by hand, or refused with the reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from diagnose.errors import LogError
from diagnose.readers import read, runs
from diagnose.run import Curve, Role, Run

SHARED = Path(__file__).resolve().parents[3] / "shared"
ABSENT = "the real logs (../shared) are not on this machine"
Entry = dict[str, Any]

# Here the curve that shows the learning is another than the one whose values were noted: the diffusion loss is
# noise about its level, and the adversarial loss has no level.
JUDGED_BY_ANOTHER = {"gradtts_text": "prior loss", "cyclegan_text": "cycle_A"}
# Logs whose index names a list of a fork's own, a loss whose parts are compared, means where steps are judged, or the
# later of two writers.
NAMED_OTHERWISE = ("HierTTS", "SVC-Nahida", "FastPitchTest", "Mandarin-Wav2Vec2", "SFT-Training-LLM")


def entries(name: str, key: str | None = None) -> list[Entry]:
    path = SHARED / name
    if not path.is_file():
        return []
    listed = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    return list(listed[key] if key else listed)


LOGS = [
    entry
    for entry in entries("logs/index.yaml", "logs")
    if entry["format"] != "tensorboard" and not any(name in entry["file"] for name in NAMED_OTHERWISE)
]
CORPUS = entries("corpus/labels.yaml")


def named(run: Run, key: str) -> Curve:
    """The curve that the index calls `key`; it writes the split in front where the log does not."""
    plain = key.split("/", 1)[-1]
    tag = next(tag for tag in (key, plain, f"Validation {plain}") if tag in run.curves)
    return run.curves[tag]


def points_of_all_launches(run: Run, curve: Curve) -> int:
    """The points of the launch that is judged and of those that the notes name."""
    return len(curve) + sum(int(count) for note in run.notes for count in re.findall(r"\((\d+) points\)", note))


@pytest.mark.skipif(not LOGS, reason=ABSENT)
@pytest.mark.parametrize("entry", LOGS, ids=lambda entry: str(entry["file"]).split("/")[-1])
def test_a_real_log_gives_the_values_that_are_in_it(entry: Entry) -> None:
    path = SHARED / "logs" / entry["file"]
    if entry["train_key"] is None:
        with pytest.raises(LogError, match="no training metrics"):
            read(path)
        return
    run = read(path)
    for split, role in (("train", Role.TRAIN_LOSS), ("val", Role.VAL_LOSS)):
        known = entry.get(split)
        if not known:
            continue
        curve = named(run, entry[f"{split}_key"])
        judged = JUDGED_BY_ANOTHER.get(entry["format"], curve.tag) if split == "train" else curve.tag
        assert getattr(run.curve(role), "tag", None) == judged
        compare(run, curve, known)


def compare(run: Run, curve: Curve, known: Entry) -> None:
    """Values to the six decimals that the index has; launches before the last one only by their number of points."""
    launched = [note for note in run.notes if "launches in one log" in note]
    if not any("which is longer" in note for note in launched):
        assert curve.values[-1] == pytest.approx(known["last"][1], abs=6e-7)
    if launched:
        assert len(curve) <= known["n"]
        return
    assert len(curve) == known["n"]
    assert curve.values[0] == pytest.approx(known["first"][1], abs=6e-7)
    assert np.nanmin(curve.values) == pytest.approx(known["min"], abs=6e-7)
    assert np.nanmax(curve.values) == pytest.approx(known["max"], abs=6e-7)
    for step, end in ((curve.steps[0], known["first"][0]), (curve.steps[-1], known["last"][0])):
        assert end is None or step == end


@pytest.mark.skipif(not LOGS, reason=ABSENT)
@pytest.mark.parametrize(
    ("file", "launches", "points"),
    [
        pytest.param("styletts_text/diisilva__StyleTTS-Customized__train.log", 3, 56, id="styletts"),
        pytest.param("fastspeech2_text/Jiff-Zhang__FastSpeech2__log.txt", 3, 3369, id="fastspeech2"),
        pytest.param(
            "keras_csv/AkshatSharma5__Brain_Tumor_Image_Classification_using_CNN__training_log.csv", 4, 24, id="keras"
        ),
    ],
)
def test_appended_launches_are_split_and_all_their_points_accounted_for(file: str, launches: int, points: int) -> None:
    run = read(SHARED / "logs" / file)
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert any(note.startswith(f"{launches} launches") for note in run.notes)
    assert points_of_all_launches(run, curve) == points


@pytest.mark.skipif(not CORPUS, reason=ABSENT)
def test_real_runs_are_read_and_nearly_all_to_their_points() -> None:
    """The labels join launches in their own way, count redraws, and judge adversarial losses: nine misses in ten."""
    right = []
    for entry in CORPUS:
        folder = SHARED / "corpus" / "raw" / entry["id"]
        files = entry.get("raw_files") or []
        found = list(runs(folder / files[0] if len(files) == 1 else folder))
        assert found
        count = entry.get("n_train")
        if count:
            curves = [curve for run in found if (curve := run.curve(Role.TRAIN_LOSS)) is not None]
            right.append(any(abs(len(curve) - count) <= max(1, 0.05 * count) for curve in curves))
    assert np.mean(right) >= 0.84
