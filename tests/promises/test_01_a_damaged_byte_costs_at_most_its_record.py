"""Promise 1, at the door: damage anywhere is survived, counted and reported. To the record: tests/readers/."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.promises.commands import error_lines, ttsdoc
from tests.readers import events


@pytest.mark.parametrize("seed", range(6))
def test_damage_is_survived_and_counted(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    path = events.write(tmp_path, [events.scalar("loss", step, 3 / (1 + step / 20)) for step in range(300)])
    content = bytearray(path.read_bytes())
    for _ in range(5):
        at = draw.randrange(100, len(content))
        what = draw.choice(["flip", "drop", "insert", "zero"])
        if what == "flip":
            content[at] ^= 1 << draw.randrange(8)
        elif what == "drop":
            del content[at : at + draw.randrange(1, 40)]
        elif what == "insert":
            content[at:at] = draw.randbytes(draw.randrange(1, 40))
        else:
            content[at : at + 64] = bytes(len(content[at : at + 64]))
    path.write_bytes(content)
    result = ttsdoc("analyze", tmp_path, "--format", "json")
    error_lines(result)
    (run,) = json.loads(result.stdout)["runs"]
    assert run["metrics"]["train_loss"]["points"] >= 300 - 5 * 4
    assert run["input_health"]["bad_records"] > 0
