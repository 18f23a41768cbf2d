"""Nothing is half-written, and nothing that was there is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose.files import rewrite, write_whole


def test_the_new_content_replaces_the_old_and_leaves_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["a.yaml"]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.mkdir()  # a folder cannot be replaced by a file
    (path / "inside").write_bytes(b"kept")
    with pytest.raises(OSError, match=r"a\.yaml"):
        write_whole(path, b"new")
    assert (path / "inside").read_bytes() == b"kept"
    assert [found.name for found in tmp_path.iterdir()] == ["a.yaml"]


def test_a_rewrite_keeps_the_old_file_beside_the_new(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    backup = rewrite(path, b"new")
    assert (path.read_bytes(), backup.read_bytes(), backup.name) == (b"new", b"old", "a.yaml.bak")


def test_a_backup_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"second")
    (tmp_path / "a.yaml.bak").write_bytes(b"first")
    with pytest.raises(FileExistsError, match=r"a\.yaml\.bak"):
        rewrite(path, b"third")
    assert path.read_bytes() == b"second"
