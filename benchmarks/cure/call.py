"""Run a script that takes options, not a config: `python -m benchmarks.cure.call CONFIG SCRIPT ARGUMENTS...`.

Each key below `training:` becomes an option, with the hyphens or underscores that the script's own text has.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml


def main() -> None:
    """Become the trainer, so that a signal reaches it."""
    config, script, *rest = sys.argv[1:]
    text = Path(script).read_text("utf-8")
    for key, value in yaml.safe_load(Path(config).read_text("utf-8"))["training"].items():
        option = f"--{key}" if f"'--{key}'" in text else f"--{key.replace('_', '-')}"
        rest += [option, str(value)]
    os.execv(sys.executable, [sys.executable, "-u", script, *rest])


if __name__ == "__main__":
    main()
