"""usage: python -m benchmarks.diagnosis.one SET KIND SEED FOLDER, then `ttsdoc analyze FOLDER`: one run to look at.

SET is `fine-tunes`, `untold`, `habits`, `unfamiliar` or `planted`, and KIND and SEED are those of `--wrong`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.diagnosis import drafts, finetunes, habits, ours, planted, unfamiliar

SETS = {
    "fine-tunes": finetunes.KINDS,
    "untold": finetunes.UNTOLD,
    "habits": habits.KINDS,
    "unfamiliar": unfamiliar.KINDS,
    "planted": planted.KINDS,
}


def main() -> int:
    """Write the log, and what lies beside it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis.one", description=__doc__)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("kind")
    parser.add_argument("seed", type=int)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    kinds = [kind for kind in SETS[asked.set] if kind.name == asked.kind]
    if not kinds:
        parser.error(f"{asked.set} has the kinds {', '.join(kind.name for kind in SETS[asked.set])}")
    ours.write_all(list(drafts.cases(asked.set, kinds, [asked.seed])), asked.folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
