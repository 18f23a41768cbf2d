"""A run, a config and a data set in which every text is an attack on whatever shows it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.readers import events

ESC = "\x1b"
TERMINAL = (
    f"{ESC}[2J{ESC}]0;owned\x07",  # clears the screen, renames the window
    f"{ESC}]52;c;cm0gLXJmIH4=\x07",  # fills the clipboard
    "\x9b31mred\x9d0;owned\x9c",  # the same by C1 controls
    "back\x08\x08\x08\x08gone\x7f\r\rover",
    "\u202egnp.exe\u2066\u2069\u200f",  # reversed for whoever reads it
    "hid\u200bden\u2060\ufeff\u00ad\U000e0041\U000e0042",  # text that nobody sees
    "line\u2028and\u2029paragraph\x85",
)
PAGE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "</script><svg/onload=alert(1)>",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "@everyone see #1 and GH-2, https://evil.example www.evil.example mailto:a@b.example",
    "| cell | `code` **bold** ~~gone~~ $x$ <!-- ",
    "=cmd|' /C calc'!A1",
    "::set-env name=X::y%0A::error::z",
)
ALL = (*TERMINAL, *PAGE)


def losses(spike: bool = True) -> list[float]:
    """A loss that falls and then is lost, so that there is a finding to quote."""
    return [9.0 / (1 + step / 20) for step in range(120)] + [50.0] * 40 * spike


def as_name(text: str) -> str:
    """The text as the name of a file."""
    return text.replace("/", "_").replace("\0", "")[:80]


def tree(folder: Path) -> Path:
    """One event run a text, named by it and with it in its tags, and one console log a text."""
    for number, text in enumerate(ALL):
        place = folder / f"{number:02d}{as_name(text)}"
        points = [events.scalar(tag, s, v) for s, v in enumerate(losses()) for tag in ("train/loss", f"loss/{text}")]
        events.write(place, points)
        (place / f"{as_name(text)}.txt").write_text("beside: 1\n")
        (folder / f"console {number:02d}{as_name(text)}.log").write_text(
            "".join(f"{text} step {step} loss {value:.4f} {text}\n" for step, value in enumerate(losses())),
            encoding="utf-8",
        )
    return folder


def rows(folder: Path) -> Path:
    """A JSON-lines log whose keys are attacks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "metrics.jsonl"
    lines = ({"step": n, "loss": v, **{f"val_loss {text}": v for text in ALL}} for n, v in enumerate(losses()))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def config(folder: Path) -> Path:
    """A training config with attacks as values, keys and paths."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    values = {"learning_rate": 0.0002, "batch_size": 16, "epochs": 1000, "warmup_steps": 0, "lr_scheduler": ALL[0]}
    texts = {f"key {number} {text}": text for number, text in enumerate(ALL)}
    content = {**values, "optimizer": ALL[1], "dataset_path": ALL[3], "log_dir": ALL[4], **texts}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
