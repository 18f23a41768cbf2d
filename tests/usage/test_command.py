"""Finding the trainer that a config belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose.errors import SourceError
from diagnose.usage.command import command_beside, script_of, trainer_in


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A project with a trainer, another script and a config."""
    for name in ("src/train.py", "src/infer.py", "config/small.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path / "config" / "small.yaml"


def test_the_trainer_is_found_in_the_readme(config: Path, tmp_path: Path) -> None:
    readme = "python src/infer.py config/small.yaml\n\n    python src/train.py \\\n      --config config/small.yaml\n"
    (tmp_path / "README.md").write_text(readme, "utf-8")
    assert command_beside(config) == tmp_path / "src" / "train.py"


def test_the_trainer_is_found_in_the_makefile(config: Path, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("train:\n\ttorchrun src/train.py -c config/small.yaml\n", "utf-8")
    assert command_beside(config) == tmp_path / "src" / "train.py"


def test_a_command_with_another_config_does_not_count(config: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("python src/train.py --config config/large.yaml\n", "utf-8")
    assert command_beside(config) is None


def test_the_script_is_found_in_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "train.py").touch()
    monkeypatch.chdir(tmp_path)
    assert script_of(["torchrun", "--nproc-per-node=1", "-m", "pkg.train"]) == Path("pkg/train.py")
    assert script_of(["python", "pkg/train.py", "--lr", "1"]) == Path("pkg/train.py")
    assert script_of(["bash", "run.sh"]) is None


def test_the_trainer_is_found_in_a_folder(config: Path, tmp_path: Path) -> None:
    assert trainer_in(tmp_path, config) == tmp_path / "src" / "train.py"
    assert trainer_in(tmp_path / "src", None) == tmp_path / "src" / "train.py"


def test_of_several_trainers_in_a_folder_none_is_taken(tmp_path: Path) -> None:
    for name in ("train_ms.py", "train_ljs.py"):
        (tmp_path / name).touch()
    with pytest.raises(SourceError, match=r"which of train_ljs.py, train_ms.py starts the training"):
        trainer_in(tmp_path, None)


def test_a_folder_without_a_trainer_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no Python file is named like a trainer"):
        trainer_in(tmp_path, None)


def test_the_command_of_another_config_of_that_name_is_not_taken(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "small.yaml"
    other.parent.mkdir()
    other.touch()
    (tmp_path / "README.md").write_text("python src/train.py --config config/small.yaml\n", "utf-8")
    assert command_beside(other) is None
