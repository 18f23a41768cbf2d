import io
import wave
from collections import defaultdict

import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Severity
from diagnose.run import Attachment, FloatArray, Run
from diagnose.signals import SETTLED

FRAME = 1024
"""Samples in a frame: 46 ms at 22.05 kHz, shorter than a syllable."""
LONGEST = 60
"""Seconds of a sample that are looked at."""
FULL_SCALE = -np.iinfo(np.int16).min
COMPARED = {"gt", "target", "real", "ground", "reference"}
"""Words in the tags of spoken targets, which are logged for comparison."""


class NoiseAudio(Check):
    """The sound samples in the log are noise, silence or clipped.

    ## Why it matters
    The loss may fall smoothly while the model learns a dummy output, an empty target or a vocoder that was never
    loaded. Listening would show it at once; nobody listens at night.

    ## How it is detected
    The last samples of each tag are decoded. Silence: no sample above `silent_peak`. Clipped: more than
    `clipped_share` of the samples at full scale. Noise or hum: the level of the loud frames hardly varies (less than
    `steady_decibels`), while speech rises and falls with its syllables. It is a warning when the last two samples of a
    tag at different steps both show it, and information for a single one: early samples are often noise.

    ## What to do
    Listen to it. Is the vocoder loaded, and do its rate, hop and mel range match the data? Is the target empty?

    ## Blind spots
    Only uncompressed wav is decoded. Music is steadier than speech; babble with the rhythm of speech passes.
    """

    code = "AUD001"

    silent_peak: float = 0.001
    """Share of full scale, -60 dB. Source: as for silent clips of a data set."""
    clipped_share: float = 0.01
    """Source: our choice: ten times the share that 3 dB of overdrive give a clip of espeak-ng."""
    steady_decibels: float = 2.0
    """Standard deviation of the level of loud frames. Source: measured on 40 clips of espeak-ng (4.2 to 7.5 dB),
    white noise (0.2), pink noise (0.8) and a hum (0.05)."""
    loud_decibels: float = 30.0
    """Frames this far below the loudest are pauses. Source: our choice, the range of speech."""

    def skip_reason(self, facts: Facts) -> str | None:
        return None if any(one.kind == "audio" for one in facts.run.attachments) else "no audio is logged"

    def check(self, facts: Facts) -> Findings:
        bad: dict[str, list[tuple[Attachment, Evidence, bool]]] = defaultdict(list)
        for sounds in _by_tag(facts.run).values():
            before, last = sounds[-2:][0], sounds[-1]
            kind, measured = self._fault(last)
            if measured is not None:
                again = before.step != last.step and self._fault(before)[0] == kind
                bad[kind].append((last, measured, again))
        for kind, found in bad.items():
            last, measured, _ = found[0]
            lasting = any(again for _, _, again in found)
            yield self.finding(
                Severity.WARNING if lasting else Severity.INFO,
                Confidence.MEDIUM,
                last.tag,
                f"The sound logged as {last.tag} at step {last.step:,} is {kind}"
                + (", and so is the one before it." if lasting else "."),
                steps=(last.step, last.step),
                evidence=(measured, Evidence("sounds", len(found), None, "", f"{len(found)} logged sounds end so")),
                advice=self.what_to_do(),
            )

    def _fault(self, one: Attachment) -> tuple[str, Evidence | None]:
        """What is wrong with a sample, and what shows it; None: nothing."""
        samples = np.abs(_decoded(one))
        if not len(samples):
            return "", None
        peak, clipped = float(samples.max()), float(np.mean(samples >= 1 - self.silent_peak))
        if peak < self.silent_peak:
            return "silence", Evidence("measured", peak, self.silent_peak, "", f"its peak is {peak:.2g} of full scale")
        if clipped > self.clipped_share:
            said = f"{clipped:.0%} of the samples at full scale"
            return "clipped", Evidence("measured", clipped, self.clipped_share, "", said)
        frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
        levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1 / FULL_SCALE**2)
        loud = levels[levels > levels.max(initial=-np.inf) - self.loud_decibels]
        spread = float(np.std(loud)) if len(loud) >= SETTLED else np.inf
        if spread >= self.steady_decibels:
            return "", None
        said = f"its level varies by {spread:.2g} dB"
        return "steady noise or a hum", Evidence("measured", spread, self.steady_decibels, "dB", said)


def _by_tag(run: Run) -> dict[str, list[Attachment]]:
    """The sounds of each tag in the order of their steps; spoken targets left out."""
    found: dict[str, list[Attachment]] = defaultdict(list)
    for one in sorted(run.attachments, key=lambda attachment: attachment.step):
        words = set(one.tag.casefold().replace("-", "_").replace("/", "_").split("_"))
        if one.kind == "audio" and not words & COMPARED:
            found[one.tag].append(one)
    return found


def _decoded(one: Attachment) -> FloatArray:
    """Samples of a wav file of 16 bit, all channels, full scale -1 to 1, of its first minute; none of anything else."""
    try:
        with wave.open(io.BytesIO(one.load())) as file:
            raw = file.readframes(LONGEST * file.getframerate()) if file.getsampwidth() == 2 else b""
    except (OSError, EOFError, wave.Error):
        raw = b""
    return np.frombuffer(raw, "<i2", len(raw) // 2).astype(np.float64) / FULL_SCALE
