"""Event files: ours is read as TensorBoard reads it where it is right, whichever writer wrote it."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_ndarray

import diagnose
from diagnose.errors import LogError
from diagnose.readers.tensorboard.event_file import EventFile
from diagnose.run import Run
from tests.readers.events import frames, points, read_bytes, scalar, start, tensor, version, write

Columns = dict[str, tuple[list[int], list[float], list[float]]]


def as_tensorboard_reads(path: Path) -> Columns:
    """Steps, values and wall times of each scalar in the order of the file, by TensorBoard's own reader."""
    reader = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0}, purge_orphaned_data=False)
    reader.Reload()
    tags = reader.Tags()
    found: dict[str, list[tuple[int, float, float]]] = {
        tag: [(event.step, event.value, event.wall_time) for event in reader.Scalars(tag)] for tag in tags["scalars"]
    }
    for tag in tags["tensors"]:
        arrays = [(event.step, make_ndarray(event.tensor_proto), event.wall_time) for event in reader.Tensors(tag)]
        numbers = [
            (step, float(array.item()), wall)
            for step, array, wall in arrays
            if array.size == 1 and array.dtype.kind in "fiub"
        ]
        if numbers:
            found[tag] = numbers
    return {tag: tuple(map(list, zip(*rows, strict=True))) for tag, rows in found.items()}  # type: ignore[misc]  # two columns


def assert_same(run: Run, expected: Columns) -> None:
    assert sorted(run.curves) == sorted(expected)
    for tag, (steps, values, walls) in expected.items():
        curve = run.curves[tag]
        np.testing.assert_array_equal(curve.steps, steps)
        np.testing.assert_array_equal(curve.values, values)
        assert curve.wall_times is not None
        np.testing.assert_array_equal(curve.wall_times, walls)


def with_torch(folder: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for step in range(300):
            writer.add_scalar("loss/train", 5.0 / (step + 1), step)
            writer.add_scalar("lr", 1e-4, step)
            if step % 50 == 0:
                writer.add_scalar("loss/val", 6.0 / (step + 1), step, new_style=True)
                writer.add_histogram("weights", np.arange(100.0), step)
                writer.add_text("sample", "a sentence", step)
                writer.add_audio("speech", np.zeros((1, 40_000), np.float32), step, sample_rate=16_000)


def with_tensorboardx(folder: Path) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for step in range(300):
            writer.add_scalar("loss/train", 5.0 / (step + 1), step)
            writer.add_scalar("loss/val", float("nan") if step == 100 else 6.0, step)


def with_tensorboard(folder: Path) -> None:
    writer = EventFileWriter(str(folder))
    for step in range(-3, 300):
        values = [Summary.Value(tag=f"loss {part}", simple_value=step / (part + 1)) for part in range(7)]
        writer.add_event(Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=values)))
    writer.close()


@pytest.mark.parametrize("writer", [with_torch, with_tensorboardx, with_tensorboard])
def test_real_writers_are_read_as_tensorboard_reads_them(writer: Any, tmp_path: Path) -> None:
    writer(tmp_path)
    (path,) = tmp_path.iterdir()
    expected = as_tensorboard_reads(path)
    assert len(expected) > 1
    assert_same(diagnose.read(path), expected)


def test_real_logs_are_read_as_tensorboard_reads_them(shared: Path) -> None:
    paths = sorted(shared.glob("**/*tfevents*"))
    assert paths
    for path in paths:
        try:
            run = diagnose.read(path)
        except LogError:  # an empty file, or one without a scalar
            assert not as_tensorboard_reads(path)
            continue
        if not any("went back" in note for note in run.notes):
            assert_same(run, as_tensorboard_reads(path))


def test_real_logs_hold_the_known_series(shared: Path) -> None:
    index = yaml.safe_load((shared / "logs" / "index.yaml").read_text())
    records = [record for record in index["logs"] if record["format"] == "tensorboard" and record["bytes"]]
    assert records
    for record in records:
        run = diagnose.read(shared / "logs" / record["file"])
        for role in ("train", "val"):
            known = record.get(role)
            if not known or record[f"{role}_key"] is None:
                continue
            curve = run.curves[record[f"{role}_key"]]
            ends = [[curve.steps[place], curve.values[place]] for place in (0, -1)]
            assert len(curve) == known["n"]
            np.testing.assert_allclose(ends, [known["first"], known["last"]], rtol=1e-5, atol=1e-6)
            extremes = [curve.finite.values.min(), curve.finite.values.max()]
            np.testing.assert_allclose(extremes, [known["min"], known["max"]], rtol=1e-5, atol=1e-6)


NUMBERS = st.floats(width=32) | st.sampled_from([0.0, -0.0, float("inf"), float("-inf")])
STEPS = st.integers(0, 300) | st.sampled_from([2**14, 2**21, 2**31, 2**56, 2**62])
TAGS = st.sampled_from(["loss", "lost", "Loss/train_total", "lr", "", "ä/ö 日本", "x" * 200, "a\nb"])


def value_of(tag: str, number: float, kind: str) -> Summary.Value:
    if kind == "simple":
        return Summary.Value(tag=tag, simple_value=number)
    tag += " as a tensor"  # TensorBoard keeps the two encodings of one tag apart
    if kind == "float_val":
        return Summary.Value(tag=tag, tensor=TensorProto(dtype=1, float_val=[number]))
    if kind == "named by node":
        return Summary.Value(node_name=tag, tensor=TensorProto(dtype=1, float_val=[number]))
    if kind == "with metadata":
        data = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
        return Summary.Value(tag=tag, metadata=data, tensor=TensorProto(dtype=1, float_val=[number]))
    if kind == "histogram":
        return Summary.Value(tag=tag, histo=HistogramProto(min=0, max=1, bucket=[1.0] * 300))
    whole = 7 if not np.isfinite(number) else int(number) % 100
    (event,) = [tensor(tag, 0, np.array([whole] if kind == "i8" else whole, kind))]
    return event.summary.value[0]


KINDS = st.sampled_from(
    ["simple", "float_val", "named by node", "with metadata", "histogram", "f2", "f4", "f8", "i4", "i8", "u1", "b1"]
)
VALUES = st.builds(value_of, TAGS, NUMBERS, KINDS)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Rounds of a few records, repeated, as loops write them, with anything in between. Steps never go back."""
    rounds = draw(st.lists(st.lists(VALUES, max_size=3), min_size=1, max_size=4))
    repeats = draw(st.integers(1, 60))
    first = draw(STEPS)
    events = []
    for step in range(first, first + repeats):
        for values in rounds:
            wall = 1.7e9 if step % 2 else 1.7e9 + step / 7
            events.append(Event(wall_time=wall, step=step, summary=Summary(value=values)))
    return events


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(logs())
def test_generated_logs_are_read_as_tensorboard_reads_them(tmp_path: Path, log: list[Event]) -> None:
    path = write(tmp_path, log)
    expected = as_tensorboard_reads(path)
    if not expected:
        with pytest.raises(LogError, match="no scalars"):
            diagnose.read(path)
        return
    run = diagnose.read(path)
    assert_same(run, expected)
    assert run.health.bad_records == run.health.bytes_skipped == 0


def test_a_cycle_that_changes_its_length_and_breaks_off_is_read_whole() -> None:
    """Steps pass 127 and 16383, where their bytes grow; some rounds have more records than the others."""
    log = []
    for step in range(100, 20_000, 3):
        log += [scalar("a", step, step), scalar("bb", step, -step)]
        if step % 1000 == 0:
            log.append(scalar("val", step, 0.5))
    run = read_bytes(b"".join(frames([version(), *log])))
    assert {tag: len(curve) for tag, curve in run.curves.items()} == {"a": 6634, "bb": 6634, "val": 7}
    np.testing.assert_array_equal(run.curves["a"].steps, np.arange(100, 20_000, 3))
    np.testing.assert_array_equal(run.curves["bb"].values, -np.arange(100, 20_000, 3))


def test_a_tag_logged_several_times_a_round_keeps_its_order() -> None:
    log = []
    for step in range(0, 3000, 10):
        log += [scalar("loss", step + k, step + k) for k in range(10)]
        log.append(scalar("lr", step, 1e-3))
    run = read_bytes(b"".join(frames([version(), *log])))
    np.testing.assert_array_equal(run.curves["loss"].values, np.arange(3000))


def test_tags_that_are_no_utf8_are_shown_escaped() -> None:
    value = b"\x0a\x02\xff\xfe\x15" + struct.pack("<f", 2.5)
    head = b"\x09" + struct.pack("<d", 1.0) + b"\x10\x05\x2a" + bytes([len(value) + 2, 0x0A, len(value)])
    buffer = io.BytesIO()
    for _ in range(20):
        RecordWriter(buffer).write(head + value)
    assert points(read_bytes(buffer.getvalue())) == {"\\xff\\xfe": [(5, 2.5)] * 20}


def test_a_purge_step_replaces_what_was_logged_from_there_on(tmp_path: Path) -> None:
    write(tmp_path, [scalar("loss", step, step) for step in range(100)], "events.out.tfevents.1.host")
    later = [start(50), *(scalar("loss", step, -step, wall=1.8e9) for step in range(60, 120))]
    write(tmp_path, later, "events.out.tfevents.2.host")
    run = diagnose.read(tmp_path)
    assert points(run)["loss"] == [(s, s) for s in range(50)] + [(s, -s) for s in range(60, 120)]
    assert "training went back: 50 points of an earlier launch (steps 50 to 99)" in run.notes[0]


def test_a_launch_of_a_few_points_replaces_no_training(tmp_path: Path) -> None:
    write(tmp_path, [scalar("loss", step, step) for step in range(200)], "events.out.tfevents.1700000000.host")
    later = [scalar("loss", step, -step, wall=1.8e9) for step in range(5)]
    write(tmp_path, later, "events.out.tfevents.1800000000.host")
    run = diagnose.read(tmp_path)
    assert points(run)["loss"] == [(s, s) for s in range(200)]
    assert "5 points of a launch that is short" in run.notes[0]


def test_a_launch_that_logged_nothing_is_where_its_name_says(tmp_path: Path) -> None:
    first = [scalar("loss", step, step, wall=1.7e9) for step in range(80)]
    later = [start(80), *(scalar("loss", step, step, wall=1.9e9) for step in range(80, 140))]
    for second, log in ((1_700_000_000, first), (1_800_000_000, [start(80)]), (1_900_000_000, later)):
        write(tmp_path, log, f"events.out.tfevents.{second}.host")
    run = diagnose.read(tmp_path)
    assert points(run)["loss"] == [(s, s) for s in range(140)]
    assert not run.notes[:-1]


def test_a_resumed_run_replaces_the_branch_that_it_left(tmp_path: Path) -> None:
    write(tmp_path, [scalar("loss", step, step) for step in range(0, 700, 10)], "events.out.tfevents.1.host")
    later = [scalar("loss", step, -step, wall=1.8e9) for step in range(500, 900, 25)]
    write(tmp_path, later, "events.out.tfevents.2.host")
    run = diagnose.read(tmp_path)
    expected = [(s, s) for s in range(0, 500, 10)] + [(s, -s) for s in range(500, 900, 25)]
    assert points(run)["loss"] == expected
    assert "training went back: 20 points" in run.notes[0]


def test_a_step_that_goes_back_within_a_file_begins_a_new_branch() -> None:
    steps = [*range(100), *range(50, 150)]
    run = read_bytes(b"".join(frames([version(), *(scalar("loss", s, n) for n, s in enumerate(steps))])))
    assert points(run)["loss"] == [(n, n) for n in range(50)] + [(s, s + 50) for s in range(50, 150)]


def test_neighbours_that_changed_places_are_put_in_order() -> None:
    steps = [*range(50), 51, 50, *range(52, 100)]
    run = read_bytes(b"".join(frames([version(), *(scalar("loss", s, s) for s in steps)])))
    assert points(run)["loss"] == [(s, s) for s in range(100)]
    assert not any("went back" in note for note in run.notes)


def test_steps_counted_within_an_epoch_are_counted_on() -> None:
    """The batch index as step: five epochs of a falling loss are one curve, not four that were replaced."""
    log = [scalar("loss", batch, 10 - epoch - batch / 100) for epoch in range(5) for batch in range(100)]
    run = read_bytes(b"".join(frames([version(), *log])))
    np.testing.assert_array_equal(run.curves["loss"].steps, np.arange(500))
    assert (np.diff(run.curves["loss"].values) < 0).all()


def test_several_trainings_in_one_file_are_no_single_curve() -> None:
    """Folds of a cross-validation each begin anew: the last is judged."""
    log = [scalar("loss", step, 10 - step / 10 + fold / 1000) for fold in range(5) for step in range(90)]
    run = read_bytes(b"".join(frames([version(), *log])))
    assert len(run.curves["loss"]) == 90
    assert "training went back: 360 points" in run.notes[0]


def test_of_ranks_that_write_the_same_curves_one_is_taken(tmp_path: Path) -> None:
    for rank in range(3):
        log = [scalar("loss", step, step + rank / 10, wall=1.7e9 + rank) for step in range(100 - rank)]
        write(tmp_path, log, f"events.out.tfevents.170000000{rank}.host.{rank}.0")
    run = diagnose.read(tmp_path)
    assert points(run)["loss"] == [(s, s) for s in range(100)]
    assert any("ranks" in note for note in run.notes)


def test_writers_of_different_curves_in_one_folder_are_one_run(tmp_path: Path) -> None:
    write(tmp_path, [scalar("loss", step, 1.0) for step in range(100)], "events.out.tfevents.1.host")
    write(tmp_path, [scalar("lr", step, 0.1) for step in range(100)], "events.out.tfevents.2.host")
    assert {tag: len(curve) for tag, curve in diagnose.read(tmp_path).curves.items()} == {"loss": 100, "lr": 100}


def test_hyperparameters_texts_and_sounds_can_be_asked_for(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", 1.0, 1)
        writer.add_text("note", "ሰላም", 2)
        writer.add_audio("short", np.zeros((1, 100), np.float32), 3, sample_rate=16_000)
        writer.add_audio("long", np.full((1, 100_000), 0.5, np.float32), 4, sample_rate=16_000)
        writer.file_writer.add_summary(_hparams({"lr": 1e-4, "model": "t3", "fp16": True}))
    run = diagnose.read(tmp_path)
    assert run.hparams == {"lr": 1e-4, "model": "t3", "fp16": True}
    kinds = [(attachment.kind, attachment.tag, attachment.step) for attachment in run.attachments]
    assert kinds == [("text", "note/text_summary", 2), ("audio", "short", 3), ("audio", "long", 4)]
    contents = [attachment.load() for attachment in run.attachments]
    assert contents[0].decode() == "ሰላም"
    assert [len(sound) for sound in contents[1:]] == [44 + 2 * 100, 44 + 2 * 100_000]
    assert all(sound.startswith(b"RIFF") for sound in contents[1:])


def _hparams(values: dict[str, Any]) -> Any:
    from torch.utils.tensorboard.summary import hparams

    return hparams(values, {"loss": 0.0})[1]  # type: ignore[no-untyped-call]  # tensorboardX


def test_scalars_in_a_record_with_an_image_are_read() -> None:
    """TF1 merges all summaries of a step; the record is heavy, its scalars are not."""
    image = Summary.Value(tag="picture", image=Summary.Image(height=1, width=1, encoded_image_string=bytes(100_000)))
    values = [Summary.Value(tag="loss", simple_value=2.0), image, Summary.Value(tag="lr", simple_value=0.5)]
    log = [Event(wall_time=1.0, step=step, summary=Summary(value=values)) for step in range(5)]
    run = read_bytes(b"".join(frames([version(), *log])))
    assert points(run) == {"loss": [(s, 2.0) for s in range(5)], "lr": [(s, 0.5) for s in range(5)]}


class Counting(io.FileIO):
    """A file that counts the bytes read from it."""

    bytes = 0

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        self.bytes += count
        return count


def test_a_heavy_record_is_not_read_from_disk(tmp_path: Path) -> None:
    """The 2 MB of a sound are passed over."""

    audio = Summary.Audio(sample_rate=16_000, encoded_audio_string=bytes(2_000_000))
    heavy = Event(wall_time=1.0, step=1, summary=Summary(value=[Summary.Value(tag="speech", audio=audio)]))
    path = write(tmp_path, [scalar("loss", 1, 1.0), heavy, scalar("loss", 2, 2.0)])
    events = EventFile()
    with Counting(path) as file:
        events.poll(file)
    assert events.records == 4
    assert file.bytes < 200_000
    assert [blob.tag for blob in events.blobs] == ["speech"]


def test_more_tags_than_templates_are_kept_are_read_all_the_same() -> None:
    log = [scalar(f"tag {number:05d}", step, number) for step in range(2) for number in range(4200)]
    run = read_bytes(b"".join(frames([version(), *log])))
    assert len(run.curves) == 4200
    assert all(len(curve) == 2 for curve in run.curves.values())


def test_what_one_file_taught_is_not_taken_for_another_tag_in_the_next() -> None:
    for tag in ("loss/a", "loss/b", "loss/a"):
        run = read_bytes(b"".join(frames([version(), *(scalar(tag, step, step) for step in range(300))])))
        assert [*run.curves] == [tag]
        assert run.curves[tag].values.tolist() == list(range(300))


def test_a_frame_has_one_row_a_point(tmp_path: Path) -> None:
    """What users of tbparse know: step, tag, value, wall_time and the run."""
    path = write(tmp_path / "run1", [scalar("loss", 1, 2.0), scalar("lr", 1, 0.5), scalar("loss", 2, 1.0)])
    (run,) = diagnose.runs(path.parent.parent)
    frame = run.to_frame()
    assert frame.columns.tolist() == ["run", "tag", "step", "value", "wall_time"]
    assert frame.values.tolist() == [
        ["run1", "loss", 1, 2.0, 1.7e9 + 1],
        ["run1", "loss", 2, 1.0, 1.7e9 + 2],
        ["run1", "lr", 1, 0.5, 1.7e9 + 1],
    ]


def test_what_is_between_heavy_records_is_reported_in_the_order_of_the_file() -> None:
    """It is decoded many stretches at a time; a heavy record may hold a scalar itself."""
    events = []
    for step in range(0, 300, 3):
        events += [scalar("loss", step, step), tensor("lr", step, np.float32(0.5)), text_event("note", step)]
        values = [Summary.Value(tag="loss", simple_value=step + 1)] if step % 9 == 0 else []
        sound = Summary.Audio(encoded_audio_string=bytes(66_000), content_type="audio/wav")
        values.append(Summary.Value(tag="speech", audio=sound))
        events.append(Event(wall_time=1.7e9, step=step + 1, summary=Summary(value=values)))
    file = EventFile()
    data = b"".join(frames([version(), *events]))
    file.poll(io.BytesIO(data))
    assert file.decoder.series["loss"].points.steps.tolist() == sorted([*range(0, 300, 3), *range(1, 300, 9)])
    assert (file.records, file.bytes_skipped, file.cut_off) == (len(events) + 1, 0, 0)
    run = read_bytes(data)
    assert [(one.kind, one.step) for one in run.attachments] == [
        (kind, step + more) for step in range(0, 300, 3) for kind, more in (("text", 0), ("audio", 1))
    ]
    assert {len(one.load()) for one in run.attachments} == {len(b"a sentence"), 66_000}


def text_event(tag: str, step: int) -> Event:
    """A text as SummaryWriter.add_text writes it."""
    message = TensorProto(dtype=7, string_val=[b"a sentence"])
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    value = Summary.Value(tag=tag, tensor=message, metadata=plugin)
    return Event(wall_time=1.7e9, step=step, summary=Summary(value=[value]))


def test_the_order_of_texts_does_not_depend_on_their_lengths() -> None:
    """Records are decoded by length, not by place."""
    events = [text_event("note" * (1 + step % 3), step) for step in range(60)]
    assert [one.step for one in read_bytes(b"".join(frames(events))).attachments] == list(range(60))
