"""Does each faulty preset go wrong, and `stable` never, whatever the seed? And does `ttsdoc analyze` say so?

    python -m benchmarks.trainer.presets                     the voice that the machine has
    python -m benchmarks.trainer.presets --voice builtin     as on a machine without espeak-ng

Prints for each run the seconds of CPU, the best validation loss, the verdict and the findings.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from diagnose.finding import Diagnosis

# What the analysis must name; a cause may be named in place of its symptom.
EXPECTED = {
    "stable": set[str](),
    "sick-spike": {"loss-spike", "learning-rate-too-high"},
    "sick-diverge": {"divergence", "learning-rate-too-high"},
    "sick-nan": {"non-finite-loss"},
    "sick-slow": {"learning-rate-too-low", "slow-learning"},
    "sick-overfit": {"overfitting"},
}


def config(preset: str, seed: int, folder: Path) -> Path:
    """The preset with another seed, as a file."""
    text = (files("diagnose.presets") / f"{preset}.yaml").read_text("utf-8")
    path = folder / f"{preset}-{seed}.yaml"
    path.write_text(text.replace("\ntraining:\n", f"\ntraining:\n  seed: {seed}\n"), encoding="utf-8")
    return path


def train(path: Path, folder: Path) -> float:
    """Train in `folder`; the seconds of CPU that it took, the analysis at its end included."""
    before = _children_seconds()
    command = [sys.executable, "-m", "diagnose", "train", path.name]
    subprocess.run(command, cwd=folder, capture_output=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return _children_seconds() - before


def judged(run: Path) -> tuple[Diagnosis, float]:
    """The diagnosis of a run, and its lowest validation loss."""
    from diagnose import analyze
    from diagnose.run import Role

    diagnosis = analyze(run / "metrics.jsonl")[0]
    curve = diagnosis.run.curve(Role.VAL_LOSS)
    return diagnosis, float("nan") if curve is None else float(curve.finite.values.min())


def outcomes(presets: list[str], seeds: dict[str, int], folder: Path) -> Iterator[tuple[str, bool, str]]:
    """(preset, whether it is judged as it should be, a line for a person)."""
    for preset in presets:
        for seed in range(seeds.get(preset, 3)):
            seconds = train(config(preset, seed, folder), folder)
            diagnosis, loss = judged(folder / "runs" / f"{preset}-{seed}")
            named = [finding.name for finding in diagnosis.findings if finding.alarming]
            right = bool(EXPECTED[preset] & set(named)) if EXPECTED[preset] else not named
            line = f"{preset:13} seed {seed}  {seconds:5.1f} s CPU  val {loss:5.2f}  {diagnosis.verdict.value:9}"
            yield preset, right, f"{line} {'right' if right else 'WRONG'}  {', '.join(named)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--voice", choices=["auto", "builtin"], default="auto")
    parser.add_argument("--seeds", type=int, help="for every preset; otherwise 5 for stable and 3 for the others")
    parser.add_argument("--only", nargs="+", choices=list(EXPECTED), default=list(EXPECTED))
    asked = parser.parse_args()
    seeds = dict.fromkeys(EXPECTED, asked.seeds) if asked.seeds else {"stable": 5}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _speak(folder, asked.only, asked.voice)
        for _, _, line in outcomes(asked.only, seeds, folder):
            print(line, flush=True)


def _speak(folder: Path, presets: list[str], voice: str) -> None:
    """The data sets that the presets train on."""
    from diagnose.data import demo
    from diagnose.data.choices import Voice
    from diagnose.trainer.options import load

    for preset in presets:
        clips = load(config(preset, 0, folder)).data.demo_clips
        target = folder / "data" / f"demo-{clips}"
        if not target.exists():
            demo.make(target, clips=clips, voice=Voice(voice))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
