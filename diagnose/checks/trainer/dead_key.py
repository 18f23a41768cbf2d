from __future__ import annotations

from dataclasses import replace

from diagnose.checks.base import About, Check, Findings
from diagnose.config import Config
from diagnose.facts import Facts
from diagnose.finding import Confidence, Severity
from diagnose.usage.report import KeyReport, KeyState, KeyUse

MOST_SHOWN = 3
"""Reasons given in one message."""
MOST_NAMED = 12
"""Keys named in one message; the rest is counted."""


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
    about = About.TRAINER

    def check(self, facts: Facts) -> Findings:
        if facts.keys is not None:
            yield from self._unread(facts.keys)
        elif facts.config is not None and facts.config.training:
            yield from self._known_dead(facts.config)

    def _unread(self, keys: KeyReport) -> Findings:
        """One finding for each misplaced key, and one for the dead keys of each confidence."""
        for use in keys.idle:
            if use.state is KeyState.MISPLACED:
                yield self.finding(
                    Severity.ERROR,
                    use.confidence,
                    "config",
                    sentence(use),
                    evidence={"dead_keys": 1},
                    advice=advice(use),
                )
        for confidence in (Confidence.HIGH, Confidence.MEDIUM):
            dead = [use for use in keys.idle if use.state is KeyState.DEAD and use.confidence is confidence]
            if dead:
                yield self.finding(
                    Severity.WARNING,
                    confidence,
                    "config",
                    _all_dead(keys.trainer, dead),
                    evidence={"dead_keys": len(dead)},
                    advice=_advice_on(dead),
                )

    def _known_dead(self, config: Config) -> Findings:
        dead = [(name, setting) for name, setting in config.never_read if setting.value]
        if dead:
            reasons = [f"{setting.path}: {setting.value} ({setting.where}): {setting.note}" for _, setting in dead]
            found = self.finding(
                Severity.INFO,
                Confidence.MEDIUM,
                "config",
                f"{config.dialect} does not read every key: {'; '.join(reasons[:MOST_SHOWN])}",
                evidence={"dead_keys": len(dead)},
                advice="changing them has no effect; --trainer FILE checks the trainer itself",
            )
            yield replace(found, line=dead[0][1].line)


def sentence(use: KeyUse) -> str:
    """One sentence on a dead or misplaced key, for people."""
    if use.state is KeyState.MISPLACED:
        default = "" if use.default is None else f", so {use.default} is used"
        where = "" if use.place is None else f" ({use.place})"
        return f"the trainer never reads `{use.path}`: it reads `{use.instead}`{where}{default}"
    if use.hard_coded is not None:
        return f"the trainer never reads `{use.path}`: {use.hard_coded} is written in the source at {use.place}"
    return f"the trainer never reads `{use.path}`"


def advice(use: KeyUse) -> str:
    """What to do about a dead or misplaced key: the live key, or the line of source to change."""
    if use.state is KeyState.MISPLACED:
        if (use.instead or "").startswith("--"):
            return f"give {use.instead} on the command line, or let the trainer read `{use.path}` at {use.place}"
        return f"write it as `{use.instead}`, or let the trainer read `{use.path}` at {use.place}"
    if use.hard_coded is not None:
        return f"changing `{use.path}` has no effect: the trainer needs a code change at {use.place}"
    name = use.path.rpartition(".")[2]
    where = "" if use.place is None else f" (other keys of its section are read at {use.place})"
    return f"changing `{use.path}` has no effect: the trainer needs code that uses `{name}`{where}"


def _all_dead(trainer: str, dead: list[KeyUse]) -> str:
    noun = "this key" if len(dead) == 1 else f"these {len(dead)} keys"
    named = ", ".join(f"`{use.path}`" for use in dead[:MOST_NAMED])
    more = f" and {len(dead) - MOST_NAMED} more" if len(dead) > MOST_NAMED else ""
    return f"{trainer} never reads {noun}: {named}{more}"


def _advice_on(dead: list[KeyUse]) -> str:
    coded = [advice(use) for use in dead if use.hard_coded is not None]
    return "; ".join(coded[:MOST_SHOWN]) or "changing these values has no effect: each needs code that uses it"
