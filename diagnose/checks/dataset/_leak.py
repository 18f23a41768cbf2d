"""Held-out clips that are trained on as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from diagnose.checks.base import Check, Confidence, Evidence, Finding, Severity
from diagnose.checks.dataset._fault import EXAMPLES, place
from diagnose.data.inspect import Survey
from diagnose.data.manifest import Split
from diagnose.data.speech import spoken


def leaked(check: Check, survey: Survey) -> Iterator[Finding]:
    """The finding of `check` where a held-out clip shares its recording or its text with one that is trained on."""
    train = survey.parts.get(Split.TRAIN, ())
    held_out = [clip for split, clips in survey.parts.items() if split is not Split.TRAIN for clip in clips]
    recordings = {clip.audio for clip in train}
    texts = {spoken(clip.text) for clip in train} - {""}
    found = [clip for clip in held_out if clip.audio in recordings or spoken(clip.text) in texts]
    if found:
        told = check.finding(
            Severity.ERROR,
            Confidence.HIGH,
            "dataset",
            f"{len(found)} of {len(held_out)} held-out clips: trained on as well, as the same recording or the same "
            "text",
            evidence=(
                Evidence("validation_is_training", len(found), 0, "clips", f"{len(found)} clips on both sides"),
                Evidence("clips", len(held_out), None, "clips", f"{len(held_out)} clips held out"),
            ),
            advice="split again, so that no text is on both sides: ttsdoc data split DIR --force",
        )
        yield replace(told, examples=tuple(place(clip, clip.text) for clip in found[:EXAMPLES]))
