from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Severity
from diagnose.remedies import small_data


class SmallDataset(Check):
    """The data set has too few clips for a voice that generalises.

    ## Why it matters
    A network with millions of weights memorises a few hundred clips: the training loss keeps falling while
    new sentences get worse. Plans made for big sets (1000 epochs, a checkpoint every 5000 steps) then waste the
    night and miss the best moment, which may be between two checkpoints.

    ## How it is detected
    The number of clips (from the config's metadata file, or `--samples`) is compared with `small` and `enough`.
    It is a warning when the set is small and the config plans to show every clip far more often than the
    guide's budget allows, and information otherwise.

    ## What to do
    Short term: stop at the best validation loss, use augmentation, listen to several checkpoints. Long term: add
    clips (import more subtitle files, merge data sets, record more): 2000 help, 5000 make a good voice.

    ## Blind spots
    Clips are counted, not minutes: 525 clips of 10 s hold more than 1000 of 2 s. Fine-tuning a strong base
    model needs fewer clips than training from scratch.
    """

    code = "DAT001"

    small: int = 1000
    """Clips below which the plan must be cut to size. Source: the guide's stable config, "for datasets with
    <1000 samples"."""
    enough: int = 5000
    """Clips that a good voice needs. Source: the guide, "5000+ samples for good TTS"."""

    def skip_reason(self, facts: Facts) -> str | None:
        return "the number of clips is not known: give it with --samples" if facts.samples is None else None

    def check(self, facts: Facts) -> Findings:
        samples = facts.samples
        if samples is None or samples >= self.enough:
            return
        cures = small_data(facts) if samples < self.small else ()
        overplanned = any(edit.parameter == "max_epochs" for cure in cures for edit in cure.edits)
        needed = f"{samples:,} clips (a good voice needs {self.enough})"
        yield self.finding(
            Severity.WARNING if overplanned else Severity.INFO,
            Confidence.HIGH if samples < self.small else Confidence.MEDIUM,
            "dataset",
            f"{samples:,} clips, {self.enough / samples:.2g} times fewer than the {self.enough:,} of a good voice: "
            "expect memorisation, and a ceiling on quality for new sentences and speakers.",
            evidence=(Evidence("samples", samples, self.enough, "clips", needed),),
            prescriptions=cures,
            advice=self.what_to_do(),
        )
