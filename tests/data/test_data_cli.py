"""`ttsdoc data` as a newcomer meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from diagnose.data.inspect import survey
from diagnose.data.progress import track
from diagnose.report.dataset import histogram
from tests.data.conftest import MakeSet

TEXTS = {"a": "the farmer sold red bread", "b": "today the child sang", "c": "the baker slept near the forest"}


def ttsdoc(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnose", "data", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, env=environment, check=False)


def test_from_nothing_to_a_split_and_enlarged_set(tmp_path: Path) -> None:
    made = ttsdoc("demo", "set", "--clips", "40", "--voice", "builtin", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "40 clips, 1.3 min, spoken by the built-in voice: set\n")
    assert "ttsdoc data stats set" in made.stderr
    divided = ttsdoc("split", "set", cwd=tmp_path)
    assert divided.returncode == 0
    assert [line.split()[-1] for line in divided.stdout.splitlines()] == [
        f"set/metadata_{side}.csv" for side in ("train", "val", "test")
    ]
    larger = ttsdoc("augment", "set", "--out", "more", "--with", "pitch", cwd=tmp_path)
    assert larger.returncode == 0
    result = ttsdoc("stats", "more", cwd=tmp_path)
    assert result.returncode == 0
    assert "none found" in result.stdout


def test_stats_are_printed_for_people(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(TEXTS)
    (folder / "wavs" / "b.wav").unlink()
    result = ttsdoc("stats", folder, cwd=tmp_path)
    assert result.returncode == 1
    assert "3 clips" in result.stdout
    assert "missing-audio" in result.stdout
    assert "metadata.csv:2: b" in result.stdout
    assert ttsdoc("stats", folder, "--exit-zero", cwd=tmp_path).returncode == 0


def test_stats_are_printed_as_json(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(TEXTS)
    (folder / "wavs" / "b.wav").write_bytes(b"no sound")
    result = ttsdoc("stats", folder, "--format", "json", cwd=tmp_path)
    found = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert result.returncode == 1
    assert found["schema_version"] == 1
    assert (found["clips"], found["rates"]) == (3, {"22050": 2})
    assert [(problem["name"], problem["code"]) for problem in found["problems"]] == [("unreadable-audio", "DAT102")]
    assert sum(bar["clips"] for bar in found["histogram"]) == 2


def test_a_set_without_any_readable_clip_is_still_reported(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(TEXTS)
    for name in TEXTS:
        (folder / "wavs" / f"{name}.wav").unlink()
    result = ttsdoc("stats", folder, "--format", "json", cwd=tmp_path)
    assert json.loads(result.stdout)["seconds"]["median"] is None
    assert "no readable audio" in " ".join(ttsdoc("stats", folder, cwd=tmp_path).stdout.split())


def test_nothing_from_the_data_controls_the_terminal(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(TEXTS, name="s\x1b]0;x\x07et")
    with (folder / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write("\x1b[31mevil|\x1b[2J\u202e\x9b1m text|\x1b[2J\u202e\x9b1m text|\x1b[5mvoice\n")
    for result in (ttsdoc("stats", folder, cwd=tmp_path), ttsdoc("merge", folder, "-o", "out", cwd=tmp_path)):
        output = result.stdout + result.stderr
        assert "evil" in output
        assert not [letter for letter in output if letter in "\x1b\x07\x9b\u202e"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stats", "nowhere"], "no such file or folder"),
        (["merge", "nowhere", "-o", "out"], "no such file or folder"),
        (["split", "nowhere"], "no metadata.csv"),
        (["augment", "nowhere", "-o", "out"], "no such file or folder"),
        (["import-srt", "nowhere.srt", "-o", "out"], "no recording called"),
        (["demo", "set", "--language", "xx"], "no sentences in 'xx'"),
        (["demo", "file.txt", "--clips", "2"], "is a file"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "file.txt").write_text("mine")
    result = ttsdoc(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_that_cannot_be_written_is_reported(make_set: MakeSet, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = Path("/proc/ttsdoc-cannot-write-here/out")
    else:
        (tmp_path / "locked").mkdir(mode=0o500)
        target = tmp_path / "locked" / "out"
    result = ttsdoc("merge", make_set(TEXTS), "-o", target, cwd=tmp_path)
    assert result.returncode == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param([1.0], id="one clip"),
        pytest.param([2.0] * 50, id="all alike"),
        pytest.param([0.0, 0.0], id="empty clips"),
        pytest.param([1.0 + number / 100 for number in range(300)] + [4000.0], id="one of an hour"),
        pytest.param([0.05, 100_000.0], id="far apart"),
    ],
)
def test_the_histogram_holds_every_clip_in_a_dozen_bars_at_most(seconds: list[float]) -> None:
    bars = histogram(np.array(seconds))
    assert sum(count for _, _, count in bars) == len(seconds)
    assert 1 <= len(bars) <= 12
    assert all(low < high for low, high, _ in bars)


def test_an_empty_histogram_has_no_bars() -> None:
    assert histogram(np.array([])) == []


def test_a_survey_of_one_list_is_possible(make_set: MakeSet) -> None:
    assert survey(make_set(TEXTS) / "metadata.csv").clips == 3


def test_a_terminal_without_the_letters_is_no_reason_to_stop(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set({f"c{number}": f"ቤት {number}" for number in range(60)}, name="ድምፅ", sounds={})
    command = [sys.executable, "-m", "diagnose", "data", "split", folder.name]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=False)
    assert result.returncode == 0
    assert rb"\u12f5" in result.stdout


def test_a_progress_bar_reads_no_markup_in_names(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes any stream for a terminal
    assert list(track([1, 2], 2, "cutting a[/nothing]b.wav")) == [1, 2]


MINDS_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_is_stopped_leaves_no_half_set(tmp_path: Path, end: signal.Signals) -> None:
    command = [sys.executable, "-m", "diagnose", "data", "demo", "set", "--voice", "builtin", "--clips", "20000"]
    # A shell that starts the tests in the background makes its children ignore Ctrl-C.
    command = [sys.executable, "-c", MINDS_CTRL_C, *command]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        while not list(tmp_path.glob(".set.*/wavs/*3.wav")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(end)
    assert not (tmp_path / "set").exists()
    if end is signal.SIGINT:
        assert process.returncode == 130
        assert list(tmp_path.iterdir()) == []
    assert ttsdoc("demo", "set", "--voice", "builtin", "--clips", "3", cwd=tmp_path).returncode == 0


def test_a_full_disk_is_one_clear_line_and_keeps_what_was_there(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(TEXTS)
    before = (folder / "metadata.csv").read_bytes()
    limited = 'ulimit -f 16; exec "$0" -m diagnose data demo "$1" --voice builtin --clips 9 --force'
    command = ["bash", "-c", limited, sys.executable, str(folder)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, check=False)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "nothing was changed" in result.stderr
    assert (folder / "metadata.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
