"""CFG003: values of a config that cannot both be meant. One file a topic, one function a rule."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.checks.base import About, Check
from diagnose.checks.config._rule import contradiction
from diagnose.checks.config.contradiction import intervals, model, schedule
from diagnose.config import Config
from diagnose.config.effective import effective
from diagnose.facts import Facts
from diagnose.finding import Finding, Severity

RULES = (*schedule.RULES, *intervals.RULES, *model.RULES)


class Contradiction(Check):
    """Two values of a config contradict each other, or one contradicts the data set.

    ## Why it matters
    The run ends within its warm-up, is never evaluated, never saved, or stops with an error hours later.

    ## How it is detected
    The config is turned into what the run will really do (updates, epochs, warm-up, intervals), and each rule
    compares two of these numbers. The rules rest on the text alone, so that they are certain.

    ## What to do
    Each message names the line and the value to change.

    ## Blind spots
    Values that code outside the config changes.
    """

    code = "CFG003"
    about = About.CONFIG

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Put every rule to the config."""
        config = facts.config
        if config is None or not config.training:
            return
        yield from _duplicates(config)
        amounts = effective(config, facts.train_samples)
        for rule in RULES:
            yield from rule(config, amounts, facts)


def _duplicates(config: Config) -> Iterator[Finding]:
    for problem in config.problems:
        if problem.code == "CFG003":
            advice = f"remove one of the two; line {problem.line} is the one that counts"
            yield contradiction(Severity.WARNING, problem.message, advice, line=problem.line)
