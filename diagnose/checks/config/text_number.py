from __future__ import annotations

from dataclasses import replace

from diagnose.checks.base import About, Check, Findings
from diagnose.config import Config
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Operation, Prescription, Safety, Severity

MOST_SHOWN = 3
"""Places named in one message; the rest is counted."""


class TextNumber(Check):
    """A number that PyYAML reads as text: `5e-5` has no dot, so that YAML 1.1 does not take it for a float.

    ## Why it matters
    The trainer stops with a TypeError, or compares text with numbers.

    ## How it is detected
    The text of each scalar is read by the rules of YAML 1.1 and of YAML 1.2, and the two differ.

    ## What to do
    Write such numbers with a dot and a signed exponent: `5.0e-05`. `ttsdoc fix` does it.

    ## Blind spots
    A trainer of its own kind may use a reader that knows both; then the finding is a warning.
    """

    code = "CFG002"
    about = About.CONFIG

    def check(self, facts: Facts) -> Findings:
        config = facts.config
        problems = [problem for problem in config.problems if problem.code == self.code] if config else []
        if config is None or not problems:
            return
        cure = _cure(config)
        places = _some([f"{problem.path} (line {problem.line})" for problem in problems])
        guessed = config.definition.synonyms is not None  # which loader a trainer of its own kind calls is not known
        found = self.finding(
            Severity.WARNING if guessed else Severity.ERROR,
            Confidence.MEDIUM if guessed else Confidence.HIGH,
            "config",
            f"{places}: {problems[0].message}",
            evidence={"text_numbers": len(problems)},
            prescriptions=(cure,) if cure.edits else (),
            advice="write such numbers with a dot and a signed exponent: 5.0e-05",
        )
        yield replace(found, line=problems[0].line)


def _cure(config: Config) -> Prescription:
    numbers = {name: config.values[name] for name in sorted(config.text_numbers)}
    edits = tuple(
        Edit(name, Operation.SET, setting.value, f"PyYAML reads line {setting.line} as text, not as a number")
        for name, setting in numbers.items()
        if isinstance(setting.value, int | float)
    )
    return Prescription("Write the numbers with a dot", "the trainer gets text", edits, Safety.SAFE)


def _some(places: list[str]) -> str:
    more = f" and {len(places) - MOST_SHOWN} more" if len(places) > MOST_SHOWN else ""
    return ", ".join(places[:MOST_SHOWN]) + more
