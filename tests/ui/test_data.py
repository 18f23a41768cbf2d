"""The data tab does what the commands do, below one folder and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio")

from diagnose.data.audio import Sound, write
from diagnose.errors import TtsdocError
from diagnose.ui.data import counted, imported, merged

pytestmark = pytest.mark.filterwarnings("ignore")

SUBTITLES = """\
1
00:00:00,500 --> 00:00:02,500
Good morning to you.

2
00:00:03,000 --> 00:00:05,000
And a good evening.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    time = np.arange(6 * 22_050) / 22_050
    talks = (np.abs(time - 1.5) < 1) | (np.abs(time - 4) < 1)
    write(tmp_path / "talk.wav", Sound((0.4 * np.sin(2000 * time) * talks).astype(np.float32), 22_050))
    (tmp_path / "talk.srt").write_text(SUBTITLES)
    return tmp_path


def test_subtitles_become_a_data_set_that_is_merged_and_counted(root: Path) -> None:
    assert imported(root, "talk.srt\n", "sets/one").startswith("2 clips")
    assert imported(root, "talk.srt", "sets/two").startswith("2 clips")
    assert (root / "sets" / "one" / "metadata.csv").exists()
    said = merged(root, "sets/one\nsets/two", "sets/both")
    assert "clips" in said
    shown = counted(root, "sets/both")
    assert "clips" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(("subtitles", "out"), [("../talk.srt", "out"), ("talk.srt", "/tmp/out"), ("talk.srt", "")])
def test_no_path_leads_out_of_the_folder(root: Path, subtitles: str, out: str) -> None:
    with pytest.raises(TtsdocError):
        imported(root, subtitles, out)
