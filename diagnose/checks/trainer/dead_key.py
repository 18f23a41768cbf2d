"""CFG001: a key of the config that the trainer never reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import About, Check
from diagnose.config import Config
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity

MOST_SHOWN = 3
"""Keys named in one message; the rest is counted."""


@dataclass(frozen=True)
class DeadKey(Check):
    """A key of the config that the trainer never reads, or that it reads under another path.

    ## Why it matters
    Changing it changes nothing, and the value that is really used is another.

    ## How it is detected
    The trainer's source is read, nothing of it executed; or the run is watched (`ttsdoc trace`). Without a
    trainer, what is known of the framework is said, for information.

    ## What to do
    Move a misplaced key to where it is read; delete a dead one or change the trainer.

    ## Blind spots
    Keys chosen by data or by the command line, sections given whole to an unknown framework.
    """

    code = "CFG001"
    name = "dead-key"
    about = About.TRAINER

    def check(self, facts: Facts) -> Iterator[Finding]:
        """What the source says; else what the dialect knows."""
        config = facts.config
        if config is None:
            return
        if facts.keys is not None:
            yield from facts.keys.findings()
        elif config.training:
            yield from self._known_dead(config)

    def _known_dead(self, config: Config) -> Iterator[Finding]:
        dead = [(name, setting) for name, setting in config.never_read if setting.value]
        if dead:
            reasons = [f"{setting.path}: {setting.value} (line {setting.line}): {setting.note}" for _, setting in dead]
            yield self.finding(
                Severity.INFO,
                Confidence.MEDIUM,
                "config",
                f"{config.dialect} does not read every key: {'; '.join(reasons[:MOST_SHOWN])}",
                evidence={"dead_keys": len(dead)},
                advice="changing them changes nothing; --trainer FILE looks at the trainer itself",
            )
