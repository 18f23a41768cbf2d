"""AUD001: the samples that the trainer logged are noise, silence or clipped."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Attachment, FloatArray, Run

FRAME = 1024
"""Samples in a frame: 46 ms at 22.05 kHz, shorter than a syllable."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one sample."""

    kind: str
    measured: float
    threshold: float
    unit: str
    sentence: str


@dataclass(frozen=True)
class NoiseAudio(Check):
    """The sound samples in the log are noise, silence or clipped.

    ## Why it matters
    The loss may fall smoothly while the model learns a dummy output, an empty target or a vocoder that was never
    loaded. Listening would tell at once; nobody listens at night.

    ## How it is detected
    The last samples of each tag are decoded. Silence: no sample above `silent_peak`. Clipped: more than
    `clipped_share` of the samples at full scale. Noise or hum: the level of the loud frames hardly varies (less than
    `steady_decibels`), while speech rises and falls with its syllables. It is a warning when the last two samples of a
    tag at different steps both show it, and information for a single one: early samples are often noise.

    ## What to do
    Listen to the sample. Check that the vocoder's weights were loaded, that mel and audio settings match those of the
    data (rate, hop, mel range), and that the target is not empty.

    ## Blind spots
    Only uncompressed wav is decoded. Music and held notes are steadier than speech. Babble with the rhythm of speech
    passes.
    """

    code = "AUD001"
    name = "noise-audio"

    silent_peak: float = 0.001
    """Share of full scale, -60 dB. Source: as for silent clips of a data set."""
    clipped_share: float = 0.01
    """Source: our choice: ten times the share that 3 dB of overdrive give a clip of espeak-ng."""
    steady_decibels: float = 2.0
    """Standard deviation of the level of loud frames. Source: measured on 40 clips of espeak-ng (4.2 to 7.5 dB),
    white noise (0.2), pink noise (0.8) and a hum (0.05)."""
    loud_decibels: float = 30.0
    """Frames this far below the loudest are pauses. Source: our choice, the range of speech."""
    fewest_frames: int = 8
    """Source: our choice: a third of a second, two syllables."""
    most_bytes: int = 20_000_000
    """Larger samples are not read. Source: our choice: four minutes of wav at 44.1 kHz."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No sound is in the log."""
        run = facts.run
        return None if any(one.kind == "audio" for one in run.attachments) else "no audio is logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the last two samples of each tag."""
        run = facts.run
        bad: dict[str, list[tuple[Attachment, Fault, bool]]] = {}
        for samples in _by_tag(run).values():
            judged = [(one, self._fault(one)) for one in samples[-2:]]
            last, fault = judged[-1]
            if fault is not None:
                kinds = [earlier.kind for _, earlier in judged if earlier is not None]
                again = kinds.count(fault.kind) == 2 and judged[0][0].step != last.step
                bad.setdefault(fault.kind, []).append((last, fault, again))
        for kind, found in bad.items():
            yield self._told(kind, found)

    def _told(self, kind: str, found: list[tuple[Attachment, Fault, bool]]) -> Finding:
        last, fault, _ = found[0]
        lasting = any(again for _, _, again in found)
        return self.finding(
            Severity.WARNING if lasting else Severity.INFO,
            Confidence.MEDIUM,
            last.tag,
            f"The sound logged as {last.tag} at step {last.step:,} is {kind}"
            + (", and so is the one before it." if lasting else "."),
            steps=(last.step, last.step),
            evidence=(
                Evidence("measured", fault.measured, fault.threshold, fault.unit, fault.sentence),
                Evidence("sounds", len(found), None, "", f"{len(found)} logged sounds end so"),
            ),
            advice="Listen to it. Is the vocoder loaded, and do its rate, hop and mel range match the data?",
        )

    def _fault(self, one: Attachment) -> Fault | None:
        samples = _decoded(one, self.most_bytes)
        if samples is None or not len(samples):
            return None
        peak = float(np.abs(samples).max())
        if peak < self.silent_peak:
            return Fault("silence", peak, self.silent_peak, "of full scale", f"its peak is {peak:.2g} of full scale")
        clipped = float(np.mean(np.abs(samples) >= 0.999))
        if clipped > self.clipped_share:
            return Fault("clipped", clipped, self.clipped_share, "", f"{clipped:.0%} of the samples at full scale")
        return self._steady(samples)

    def _steady(self, samples: FloatArray) -> Fault | None:
        frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
        levels = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-9)
        loud = levels > levels.max(initial=-np.inf) - self.loud_decibels
        if np.count_nonzero(loud) < self.fewest_frames:
            return None
        spread = float(np.std(levels[loud]))
        if spread >= self.steady_decibels:
            return None
        return Fault(
            "steady noise or a hum", spread, self.steady_decibels, "dB", f"its level varies by {spread:.2g} dB"
        )


def _by_tag(run: Run) -> dict[str, list[Attachment]]:
    """The sounds of each tag in the order of their steps; spoken targets, logged for comparison, left out."""
    found: dict[str, list[Attachment]] = {}
    for one in sorted(run.attachments, key=lambda attachment: attachment.step):
        words = set(one.tag.casefold().replace("-", "_").replace("/", "_").split("_"))
        if one.kind == "audio" and not words & {"gt", "target", "real", "ground", "reference"}:
            found.setdefault(one.tag, []).append(one)
    return found


def _decoded(one: Attachment, most_bytes: int) -> FloatArray | None:
    """The samples of a wav file of 16 bit, all channels, full scale -1 to 1; None for anything else."""
    try:
        content = one.load()
        if len(content) > most_bytes:
            return None
        with wave.open(io.BytesIO(content)) as file:
            if file.getsampwidth() != 2:
                return None
            raw = file.readframes(most_bytes)
    except (OSError, EOFError, wave.Error):
        return None
    return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float64) / 32768
