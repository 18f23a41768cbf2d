"""`ttsdoc heal` around trainers that are not ours, each with a bad rate in its own config: stopped, lowered, healed.

The plain torch script and the Hugging Face Trainer come first; all are marked: `make integration`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

TRAINERS = Path(__file__).with_name("trainers")


@dataclass(frozen=True)
class External:
    """One trainer, its config, and where the rate is in it."""

    needs: str
    script: str
    config: dict[str, Any]
    suffix: str
    arguments: tuple[str, ...]
    rate: tuple[str, ...]


HUGGING_FACE = {
    "output_dir": "unused", "learning_rate": 1.2, "optim": "sgd", "max_steps": 300, "warmup_steps": 60,
    "lr_scheduler_type": "constant_with_warmup", "per_device_train_batch_size": 32, "logging_steps": 2,
    "eval_strategy": "steps", "eval_steps": 20, "save_steps": 100, "max_grad_norm": 0.0, "report_to": "none",
    "use_cpu": True, "logging_nan_inf_filter": False, "disable_tqdm": True, "seed": 0,
}  # fmt: skip

EXTERNAL = {
    "plain torch": External(
        "torch", "plain_torch.py",
        {"train": {"lr": 1.2, "warmup": 60, "steps": 300, "batch_size": 32}, "data": {"path": "none"}}, ".yaml",
        ("--config", "{config}", "--out", "{log_dir}", "--resume", "{resume}"), ("train", "lr"),
    ),
    "hugging face": External(
        "transformers", "hugging_face.py", HUGGING_FACE, ".json", ("{config}", "{log_dir}"), ("learning_rate",)
    ),
    "lightning": External(
        "lightning", "lightning_module.py",
        {"model": {"lr": 1.2, "warmup": 60},
         "trainer": {"max_steps": 300, "val_check_interval": 8, "log_every_n_steps": 2}}, ".yaml",
        ("{config}", "{log_dir}"), ("model", "lr"),
    ),
    "keras": External(
        "keras", "keras_script.py", {"learning_rate": 0.8, "batch_size": 32, "epochs": 40}, ".json",
        ("{config}", "{log_dir}"), ("learning_rate",),
    ),
}  # fmt: skip


def written(external: External, folder: Path) -> Path:
    path = folder / f"config{external.suffix}"
    text = json.dumps(external.config, indent=2) if external.suffix == ".json" else yaml.safe_dump(external.config)
    path.write_text(text, encoding="utf-8")
    return path


def rate_in(path: Path, keys: tuple[str, ...]) -> float:
    value = yaml.safe_load(path.read_text("utf-8"))
    for key in keys:
        value = value[key]
    return float(value)


@pytest.mark.integration
@pytest.mark.parametrize("name", EXTERNAL)
def test_a_bad_rate_in_its_own_config_is_healed(name: str, tmp_path: Path) -> None:
    external = EXTERNAL[name]
    pytest.importorskip(external.needs) if external.needs != "keras" else _needs_keras()
    config = written(external, tmp_path)
    out = tmp_path / "healed"
    trainer = [sys.executable, str(TRAINERS / external.script), *external.arguments]
    heal = [sys.executable, "-m", "diagnose", "heal", str(config), "--out", str(out), "--interval", "0.3", "--quiet"]
    done = subprocess.run([*heal, "--", *trainer], capture_output=True, text=True, check=False)
    record = json.loads((out / "heal.json").read_text("utf-8")) if (out / "heal.json").exists() else {}
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{record}"
    assert record["result"]["verdict"] == "cured"
    assert rate_in(out / f"cured{external.suffix}", external.rate) < rate_in(config, external.rate) / 2
    first, chosen = record["attempts"][0], record["attempts"][record["result"]["attempt"] - 1]
    assert chosen["accepted"]
    assert chosen["best_val_loss"] < first["best_val_loss"]


@pytest.mark.integration
@pytest.mark.parametrize(("rate", "worst"), [(0.5, 40.0), (1.5, 40.0), (2e-4, 150.0)])
def test_a_trainer_with_names_and_a_loss_of_its_own_is_healed(rate: float, worst: float, tmp_path: Path) -> None:
    """Its loss is summed, its rate is a `step_size`; at 0.05 it ends at 16, at 0.5 it diverges, at 2e-4 it creeps."""
    config, out = tmp_path / "mine.toml", tmp_path / "healed"
    config.write_text(f"[optim]\nstep_size = {rate}\nn_updates = 1200\nnap = 0.004\n", encoding="utf-8")
    trainer = [sys.executable, str(TRAINERS / "stranger.py"), "{config}", "--workdir", "{log_dir}"]
    heal = [sys.executable, "-m", "diagnose", "heal", str(config), "--out", str(out), "--interval", "0.3", "--quiet"]
    done = subprocess.run([*heal, "--", *trainer], capture_output=True, text=True, check=False)
    record = json.loads((out / "heal.json").read_text("utf-8"))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert record["attempts"][record["result"]["attempt"] - 1]["best_val_loss"] < worst
    assert "step_size" in (out / "cured.toml").read_text("utf-8")


def _needs_keras() -> None:
    from importlib.util import find_spec

    if find_spec("keras") is None or find_spec("torch") is None:
        pytest.skip("keras is not installed")
