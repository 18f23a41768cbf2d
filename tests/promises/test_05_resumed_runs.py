"""Promise 5: a rewind is recognised; the newest branch is judged, the old one is kept out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event

from tests.promises.commands import error_lines, ttsdoc
from tests.readers import events


def scalars(first: int, last: int, scale: float) -> list[Event]:
    return [events.scalar("loss", step, scale / (1 + step / 20)) for step in range(first, last)]


@pytest.mark.parametrize("form", ["session start", "second file", "second file, earlier name", "console"])
def test_the_newest_branch_counts(tmp_path: Path, form: str) -> None:
    old, new = scalars(0, 200, 9.0), scalars(100, 300, 3.0)
    if form == "console":
        lines = [*((n, 9.0) for n in range(200)), *((n, 3.0) for n in range(100, 300))]
        (tmp_path / "train.log").write_text("".join(f"step {n} loss {k / (1 + n / 20):.5f}\n" for n, k in lines))
    elif form == "session start":
        events.write(tmp_path, [*old, events.start(100), *new])
    else:
        events.write(tmp_path, old, "events.out.tfevents.1700000000.host.1.0")
        late = [events.scalar("loss", n, 3 / (1 + n / 20), wall=1.8e9) for n in range(100, 300)]
        number = "16" if "earlier" in form else "18"
        events.write(tmp_path, [events.start(100), *late], f"events.out.tfevents.{number}00000000.host.1.0")
    result = ttsdoc("analyze", tmp_path, "--format", "json")
    error_lines(result)
    (run,) = json.loads(result.stdout)["runs"]
    loss = run["metrics"]["train_loss"]
    assert (loss["points"], round(loss["last"], 3)) == (300, round(3 / (1 + 299 / 20), 3))
    assert "loss-spike" not in [finding["name"] for finding in run["findings"]]
