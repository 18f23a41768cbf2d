"""Nothing is half-written, nothing that was there is lost, and nothing is left lying about."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diagnose.files import rewrite, write_whole


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def without_nameless_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network file system, which knows no O_TMPFILE."""
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)


@pytest.fixture(params=["nameless", "named"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "named":
        without_nameless_files(monkeypatch)


@pytest.mark.usefixtures("_both_ways")
class TestWriting:
    def test_the_new_content_replaces_the_old_and_leaves_no_litter(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"old")
        path.chmod(0o640)
        write_whole(path, b"new")
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o777 == 0o640
        assert names(tmp_path) == ["a.yaml"]

    def test_what_is_no_file_is_written_to_and_not_replaced(self, tmp_path: Path) -> None:
        """`-o /dev/stdout` in a container, where all is root's."""
        path = tmp_path / "pipe"
        os.mkfifo(path)
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        write_whole(path, b"new")
        assert os.read(reading, 10) == b"new"
        assert stat.S_ISFIFO(path.stat().st_mode)
        os.close(reading)

    def test_a_write_that_fails_leaves_the_old_file_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.mkdir()  # a folder cannot be replaced by a file
        (path / "inside").write_bytes(b"kept")
        with pytest.raises(OSError, match=r"a\.yaml"):
            write_whole(path, b"new")
        assert (path / "inside").read_bytes() == b"kept"
        assert names(tmp_path) == ["a.yaml"]

    def test_a_new_file_has_the_permissions_that_the_user_asks_for(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            write_whole(tmp_path / "new", b"")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640

    def test_what_a_killed_writer_left_is_removed_and_nothing_else(self, tmp_path: Path) -> None:
        left = tmp_path / ".a[1].yaml.01234567.ttsdoc"
        others = [tmp_path / ".a1.yaml.01234567.ttsdoc", tmp_path / ".a[1].yaml.swp"]
        for file in (left, *others):
            file.write_bytes(b"half")
        write_whole(tmp_path / "a[1].yaml", b"new")
        assert names(tmp_path) == sorted(["a[1].yaml", *(other.name for other in others)])

    def test_many_writers_at_once_leave_one_whole_file(self, tmp_path: Path) -> None:
        code = "import sys; from pathlib import Path; from diagnose.files import write_whole\n"
        code += "for _ in range(40): write_whole(Path(sys.argv[1]), sys.argv[2].encode() * 5000)"
        path = tmp_path / "a"
        writers = [subprocess.Popen([sys.executable, "-c", code, path, letter]) for letter in "abcd"]
        assert [writer.wait() for writer in writers] == [0] * 4
        assert len(path.read_bytes()) == 5000
        assert len(set(path.read_bytes())) == 1
        assert names(tmp_path) == ["a"]

    def test_a_rewrite_keeps_the_old_file_beside_the_new(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"old")
        path.chmod(0o600)
        backup = rewrite(path, b"new")
        assert (path.read_bytes(), backup.read_bytes(), backup.name) == (b"new", b"old", "a.yaml.bak")
        assert [stat.S_IMODE(file.stat().st_mode) for file in (path, backup)] == [0o600] * 2
        assert names(tmp_path) == ["a.yaml", "a.yaml.bak"]


def test_a_backup_is_never_overwritten_and_never_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"second")
    (tmp_path / "a.yaml.bak").write_bytes(b"first")
    assert rewrite(path, b"third").name == "a.yaml.bak.1"
    assert rewrite(path, b"fourth").name == "a.yaml.bak.2"
    kept = [(tmp_path / f"a.yaml{ending}").read_bytes() for ending in ("", ".bak", ".bak.1", ".bak.2")]
    assert kept == [b"fourth", b"first", b"second", b"third"]


@pytest.mark.parametrize("stale", ["same", "dead link", "folder", "empty"])
def test_a_stale_backup_does_not_block(tmp_path: Path, stale: str) -> None:
    path, backup = tmp_path / "a", tmp_path / "a.bak"
    path.write_bytes(b"old")
    if stale == "folder":
        backup.mkdir()
    elif stale == "dead link":
        backup.symlink_to("nowhere")
    else:
        backup.write_bytes(b"old" if stale == "same" else b"")
    assert rewrite(path, b"new").name == ("a.bak" if stale == "same" else "a.bak.1")
    assert path.read_bytes() == b"new"


def test_owner_and_permissions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    owner = (path.stat().st_uid, path.stat().st_gid)
    for file in (rewrite(path, b"new"), path):
        status = file.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*owner, 0o664)


def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"by hand")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    assert [os.getxattr(file, "user.origin") for file in (rewrite(path, b"new"), path)] == [b"by hand"] * 2


def test_where_there_are_no_links_the_backup_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_nameless_files(monkeypatch)

    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o600)
    backup = rewrite(path, b"new")
    assert (path.read_bytes(), backup.read_bytes()) == (b"new", b"old")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert names(tmp_path) == ["a", "a.bak"]


def test_a_file_that_is_read_only_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        rewrite(path, b"new")
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["a"])


def test_a_kill_at_any_moment_leaves_a_whole_file_and_no_litter(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from diagnose.files import rewrite\npath = Path(sys.argv[1])\n"
    code += "print(flush=True)\nfor n in range(10**6): rewrite(path, b'%d' % (n % 2) * 100_000).unlink(missing_ok=True)"
    path = tmp_path / "a"
    whole = {letter * 100_000 for letter in (b"0", b"1", b"2")}
    for kill in range(30):
        path.write_bytes(b"2" * 100_000)
        with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(kill / 1000)
            writer.send_signal(signal.SIGKILL)
        assert path.read_bytes() in whole
        backup = rewrite(path, b"3")
        assert backup.read_bytes() in whole
        backup.unlink()
        left = set(names(tmp_path)) - {"a"}
        assert left <= {"a.bak", "a.bak.1"}  # killed between the backup and the new file
        for name in left:
            assert (tmp_path / name).read_bytes() in whole
            (tmp_path / name).unlink()
