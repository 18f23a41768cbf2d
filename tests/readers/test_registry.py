"""What is found where: files, folders, trees, standard input and far addresses, and one line for what is no log."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import diagnose
from diagnose.errors import LogError
from diagnose.facts import Hints
from diagnose.pool import badness, find, judge_all
from diagnose.readers import discover, every_reader, read
from diagnose.readers.sources import storage
from tests.readers.events import points, scalar, write

CSV = "step,loss\n" + "".join(f"{step},{10 - step / 10}\n" for step in range(50))


def losses(tag: str = "loss", count: int = 20) -> Any:
    return [scalar(tag, step, 10 - step / 10) for step in range(count)]


def names(path: Path) -> list[str]:
    return [source.label for source in discover(path)]


def test_every_reader_has_the_two_functions() -> None:
    assert len(every_reader()) > 1
    assert all(callable(reader.sniff) and callable(reader.read) for reader in every_reader())


def test_runs_are_named_by_their_folders_as_in_tensorboard(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "b", tmp_path / "a" / "deep"):
        write(folder, losses())
    assert [run.name for run in diagnose.runs(tmp_path)] == [".", "a/deep", "b"]


def test_a_tree_gives_text_logs_too_and_passes_over_what_is_no_log(tmp_path: Path) -> None:
    write(tmp_path / "tb", losses())
    (tmp_path / "metrics.csv").write_text(CSV)
    (tmp_path / "clip.wav").write_bytes(b"RIFF" + bytes(100))
    (tmp_path / "model.pt").write_bytes(bytes(range(256)))
    (tmp_path / "train.py").write_text("loss = 1.0\n" * 50)
    (tmp_path / "config.json").write_text('{"learning_rate": 0.1}')
    (tmp_path / "notes.txt").write_text("remember the milk")
    hidden = tmp_path / ".git"
    hidden.mkdir()
    (hidden / "log.csv").write_text(CSV)
    assert sorted(run.name for run in diagnose.runs(tmp_path)) == ["metrics.csv", "tb"]


def test_a_text_log_beside_event_files_is_named_and_not_judged_twice(tmp_path: Path) -> None:
    write(tmp_path, losses())
    (tmp_path / "metrics.csv").write_text(CSV)
    (run,) = diagnose.runs(tmp_path)
    assert run.format == "tensorboard"
    assert any("metrics.csv" in note for note in run.notes)


@pytest.mark.parametrize("names", [("train", "val"), ("train", "validation"), ("Train", "Eval")])
def test_splits_in_sub_folders_are_one_run(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        write(tmp_path / "run" / name, losses("epoch_loss"))
    (run,) = diagnose.runs(tmp_path)
    assert run.name == "run"
    assert sorted(run.curves) == sorted(f"{name}/epoch_loss" for name in names)


def test_a_run_that_is_called_test_is_a_run(tmp_path: Path) -> None:
    for name in ("test", "second"):
        write(tmp_path / name, losses())
    assert names(tmp_path) == ["second", "test"]


def from_torch(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def from_tensorboardx(folder: Path) -> Any:
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder))


@pytest.mark.parametrize("make", [from_torch, from_tensorboardx])
def test_series_of_add_scalars_belong_to_their_run(tmp_path: Path, make: Any) -> None:
    with make(tmp_path / "run") as writer:
        for step in range(20):
            writer.add_scalar("lr", 1e-4, step)
            writer.add_scalars("loss/mel", {"train": 1.0 / (step + 1), "valid": 2.0 / (step + 1)}, step)
    (run,) = diagnose.runs(tmp_path)
    assert sorted(run.curves) == ["loss/mel/train", "loss/mel/valid", "lr"]
    assert run.curves["loss/mel/valid"].values[0] == 2.0


def test_the_folder_of_add_hparams_holds_only_settings(tmp_path: Path) -> None:
    with from_torch(tmp_path / "run") as writer:
        for step in range(20):
            writer.add_scalar("loss", 1.0, step)
        writer.add_hparams({"lr": 1e-4}, {"loss": 0.5}, run_name="1700000000.123")
    (run,) = diagnose.runs(tmp_path)
    assert run.hparams == {"lr": 1e-4}
    assert points(run) == {"loss": [(step, 1.0) for step in range(20)]}


def test_of_checkpoints_that_repeat_a_log_the_last_is_taken(tmp_path: Path) -> None:
    for number in (500, 1000, 1500):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        (folder / "metrics.csv").write_text(CSV)
    assert names(tmp_path) == ["checkpoint-1500/metrics.csv"]
    (tmp_path / "metrics.csv").write_text(CSV)
    assert names(tmp_path) == ["metrics.csv"]


def refusal(path: Path | str) -> str:
    with pytest.raises(LogError) as caught:
        list(diagnose.runs(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_no_log_is_refused_in_one_line(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing")
    assert "no training log" in refusal(tmp_path)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9)
    assert "picture.png" in refusal(picture)
    assert "no scalars" in refusal(write(tmp_path / "empty", []))
    assert "no intact record" in refusal(_garbage(tmp_path))


def _garbage(folder: Path) -> Path:
    path = folder / "events.out.tfevents.1.garbage"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def test_one_run_is_asked_of_a_tree_of_several(tmp_path: Path) -> None:
    write(tmp_path / "a", losses())
    assert diagnose.read(tmp_path).name == "a"
    write(tmp_path / "b", losses())
    with pytest.raises(LogError, match="2 runs"):
        diagnose.read(tmp_path)


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (write(tmp_path, losses()).read_bytes(), CSV.encode()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert diagnose.read("-").curves["loss"].values[0] == 10.0


def test_event_files_are_read_without_pandas_and_protobuf(tmp_path: Path) -> None:
    """Their imports would cost more than reading a million scalars."""
    path = write(tmp_path, losses())
    code = (
        f"import sys, diagnose; diagnose.read({str(path)!r});"
        "heavy = ('pandas', 'tensorboard', 'google.protobuf', 'torch', 'fsspec');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def far(tmp_path: Path) -> Iterator[str]:
    """A tree of two runs and a table at an address."""
    write(tmp_path / "a", losses())
    write(tmp_path / "b" / "train", losses("epoch_loss"))
    write(tmp_path / "b" / "val", losses("epoch_loss"))
    (tmp_path / "metrics.csv").write_text(CSV)
    system = fsspec.filesystem("memory")
    system.put(str(tmp_path), "/logs", recursive=True)
    yield "memory://logs"
    system.rm("/logs", recursive=True)


def test_a_tree_far_away_is_read_like_one_here(far: str, tmp_path: Path) -> None:
    here = {run.name: points(run) for run in diagnose.runs(tmp_path)}
    assert len(here) == 3
    assert {run.name: points(run) for run in diagnose.runs(far)} == here


def test_a_file_far_away_is_read_in_ranges(far: str) -> None:
    (source,) = [source for source in discover(far) if source.label == "a"]
    assert len(diagnose.read(source.parts[0].name).curves["loss"]) == 20


def test_what_is_missing_far_away_is_refused_in_one_line() -> None:
    assert "no such file" in refusal("memory://nothing")
    assert "nosuch" in refusal("nosuch://bucket/logs")


class FaultyFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Every second read fails, or every one."""

    protocol = "faulty"
    calls = 0
    broken = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("faulty://"))  # type: ignore[no-any-return]  # fsspec has no types

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> Any:
        type(self).calls += 1
        if self.broken or self.calls % 2:
            raise ConnectionResetError("connection reset by peer")
        return super().cat_file(path, start, end, **options)


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
    monkeypatch.setattr(storage, "PAUSE", 0.0)
    FaultyFileSystem().pipe_file("/events.out.tfevents.1", write(tmp_path, losses()).read_bytes())
    return "faulty://events.out.tfevents.1"


def test_a_read_that_fails_is_tried_again(faulty: str) -> None:
    assert len(diagnose.read(faulty).curves["loss"]) == 20


def test_a_file_system_that_stays_broken_is_reported_in_one_line(faulty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaultyFileSystem, "broken", True)
    assert "connection reset by peer" in refusal(faulty)


def fleet(folder: Path, count: int) -> None:
    for number in range(count):
        faulty = number == 7
        log = [scalar("loss", step, float("nan") if faulty and step > 50 else 10 / (step + 1)) for step in range(100)]
        write(folder / f"run{number:02d}", log)


def test_a_pool_gives_what_one_process_gives_worst_first(tmp_path: Path) -> None:
    fleet(tmp_path, 20)
    reported: list[tuple[int, int]] = []
    alone = judge_all(find([str(tmp_path)]), Hints())
    pool = judge_all(find([str(tmp_path)]), Hints(), jobs=2, progress=lambda *done: reported.append(done))
    assert [d.run.name for d in pool.diagnoses] == [d.run.name for d in alone.diagnoses]
    assert [d.findings for d in pool.diagnoses] == [d.findings for d in alone.diagnoses]
    assert pool.diagnoses[0].run.name == "run07"
    assert [badness(d) for d in pool.diagnoses] == sorted(map(badness, pool.diagnoses), reverse=True)
    assert reported == [(done, 20) for done in range(1, 21)]


def test_runs_that_cannot_be_read_are_reported_and_the_others_judged(tmp_path: Path) -> None:
    fleet(tmp_path, 3)
    (tmp_path / "broken").mkdir()
    _garbage(tmp_path / "broken")
    found = judge_all(find([str(tmp_path)]), Hints())
    assert len(found.diagnoses) == 3
    assert len(found.refused) == 1
    assert "broken" in found.refused[0]


def test_runs_are_chosen_by_name_and_by_when_they_were_written(tmp_path: Path) -> None:
    fleet(tmp_path, 3)
    assert [source.label for source in find([str(tmp_path)], match="*2")] == ["run02"]
    assert len(find([str(tmp_path)], since=0.0)) == 3
    with pytest.raises(LogError, match="no run of 3 fits --since"):
        find([str(tmp_path)], since=4e9)


@pytest.mark.parametrize(("magic", "name"), [(b"\x1f\x8b\x08\0", "gzip"), (b"PK\x03\x04", "zip"), (b"BZh9", "bzip2")])
def test_a_packed_log_is_refused_by_the_name_of_its_packing(tmp_path: Path, magic: bytes, name: str) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(magic + b"\0\1\2\3" * 99)
    with pytest.raises(LogError, match=f"packed with {name}; unpack it"):
        read(path)


def test_an_empty_log_and_an_empty_name_are_called_so(tmp_path: Path) -> None:
    """A training that has not written yet; a shell variable that is not set."""
    empty = tmp_path / "train.log"
    empty.touch()
    with pytest.raises(LogError, match="empty: nothing has been logged"):
        read(empty)
    with pytest.raises(LogError, match="is a variable not set"):
        read("")
