"""wandb's record of an offline run is read from its frames, whole or damaged."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.errors import LogError
from diagnose.readers import wandb_run
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

BLOCK = 32_768
HEADER = b":W&B\xe1\xbe\x00"


def varint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def history(metrics: dict[str, Any]) -> bytes:
    items = [
        message(1, message(2, key.encode()) + message(16, json.dumps(value).encode())) for key, value in metrics.items()
    ]
    return varint(1 << 3) + varint(7) + message(2, b"".join(items))


def framed(*records: bytes) -> bytes:
    """The records in chunks that never cross a block, as the writer of a LevelDB log puts them."""
    data = bytearray(HEADER)
    for record in records:
        rest, first = record, True
        while first or rest:
            left = BLOCK - len(data) % BLOCK
            if left < 7:
                data += bytes(left)
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if not rest else 2) if first else (4 if not rest else 3)
            data += struct.pack("<IHB", 0, len(part), kind) + part
            first = False
    return bytes(data)


def read(data: bytes) -> Run:
    source = Source("run-abc.wandb", content=data)
    assert wandb_run.sniff(source) == 100
    return assign_roles(wandb_run.read(source))


RUN = framed(*(history({"train/loss": 3 - n / 2000, "lr": 1e-4, "_step": n}) for n in range(2000)))


def test_the_history_is_read_across_blocks() -> None:
    assert len(RUN) > 2 * BLOCK
    train = read(RUN).curve(Role.TRAIN_LOSS)
    assert train is not None
    np.testing.assert_array_equal(train.steps, np.arange(2000))
    np.testing.assert_array_equal(train.values, 3 - np.arange(2000) / 2000)


def test_a_record_longer_than_a_block_is_put_together_and_nan_is_kept() -> None:
    table = {"table": "x" * 3 * BLOCK}
    run = read(framed(history({"loss": 2.5, "_step": 0, **table}), history({"loss": float("nan"), "_step": 1})))
    np.testing.assert_array_equal(run.curves["loss"].values, [2.5, np.nan])


def test_a_run_that_was_cut_off_is_read_to_where_it_ends() -> None:
    run = read(RUN[: len(RUN) // 2])
    assert 900 < len(run.curves["train/loss"]) < 1100


def test_a_run_without_history_is_refused_in_one_line() -> None:
    with pytest.raises(LogError, match="no history"):
        read(framed(message(5, b"config")))


SHORT = framed(*(history({"loss": 3 - n / 40, "_step": n}) for n in range(40)))


@given(st.integers(7, len(SHORT) - 1), st.binary(min_size=1, max_size=9))
def test_no_damage_breaks_the_reading(place: int, noise: bytes) -> None:
    damaged = SHORT[:place] + noise + SHORT[place + len(noise) :]
    with suppress(LogError):
        assert read(damaged).health.records <= 40
