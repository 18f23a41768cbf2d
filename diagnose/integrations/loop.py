"""The doctor beside a training loop of one's own: `doctor.log(step, loss=..., val_loss=...)`.

Every other integration feeds this object. It keeps what is logged in memory, puts it to the same engine as
`ttsdoc analyze` now and then, and says what it finds through the logger `ttsdoc`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnose.clean import plain
from diagnose.files import write_whole
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.integrations.memory import MemoryLog
from diagnose.live.news import News, warming_up
from diagnose.report.formats import rendered
from diagnose.report.line import finding_line
from diagnose.run import Axis

if TYPE_CHECKING:
    from typing_extensions import Self

    from diagnose.checks.base import Check
    from diagnose.config import Config
    from diagnose.facts import Facts


logger = logging.getLogger("ttsdoc")

SHARE = 0.005
"""Of the wall time that examinations may take. Source: half of the one per cent that is promised, the rest is for
logging; benchmarks/integrations measures both."""
FIRST_COST = 1.0
"""Seconds that the first examination is taken to need, before one was timed: 8,000 points took 0.8 s on a machine of
two cores that nine trainings shared, 0.25 s alone."""
BEGINNING = 50
BEGINNING_IN_EPOCHS = 8
"""Points of the loss before which nothing stops a training. Source: Applio's overtraining detector was withdrawn
because it took the warm-up for the best epoch (IAHispano/Applio#356)."""
LOAN = 8
"""Examinations that may be made out of turn, when a NaN is logged; the time they take is waited for afterwards."""


class Doctor:
    """Watches a training from inside its loop. One object a run; not thread-safe.

    `config`: the training config, a file or a mapping: with it, advice names the user's own values.
    `stop`: `"error"` or `"warning"`: `should_stop` becomes true once a finding this bad is confirmed; None: never.
    `report`: where `finish` writes what was found; the suffix is the format (`.md`, `.json`, `.html`, else plain text).
    `on_finding`: called with each newly confirmed finding, after it was logged.
    `share`: the largest share of the wall time spent on examinations.
    Raises ConfigError where the config cannot be read, LogError where the family is unknown.
    """

    def __init__(  # noqa: PLR0913 - a parameter is an option of every integration
        self,
        name: str = "training",
        *,
        config: str | Path | Mapping[str, Any] | None = None,
        samples: int | None = None,
        family: str | None = None,
        axis: Axis = Axis.STEP,
        stop: str | None = None,
        report: str | Path | None = None,
        on_finding: Callable[[Finding], None] | None = None,
        share: float = SHARE,
    ) -> None:
        from diagnose.facts import Hints

        self._hints = Hints(samples=samples, family=family)
        self._stop_at = None if stop is None else Severity(stop)
        self._report = None if report is None else Path(report)
        self._on_finding = on_finding
        self._share = share
        self._log = MemoryLog(name, axis)
        self._checks = _checks()  # imported now, so that no step pays for it
        self._news = News(self._checks)
        self._config: Config | None = None
        self.diagnosis: Diagnosis | None = None
        """The latest; None before the first examination."""
        self.should_stop = False
        """Whether a finding that is bad enough to stop for is confirmed."""
        self._rest = FIRST_COST / share
        """The longest that an examination had to be waited for."""
        self._next = time.monotonic() + self._rest
        self._finished = False
        self.configure(config)

    def configure(self, config: str | Path | Mapping[str, Any] | None) -> None:
        """Give the doctor the training's config, where it was not known from the start. Raises ConfigError."""
        from diagnose.gather import read_settings, samples_named_by

        if config is not None:
            self._config = read_settings(Path(config) if isinstance(config, str) else config)
            self._hints = replace(self._hints, samples=self._hints.samples or samples_named_by(self._config))
        self._facts_of(MemoryLog("", Axis.STEP))  # refuses an unknown family now, not in the middle of the night

    def configure_by_default(self, config: Mapping[str, Any]) -> None:
        """Take the config that the trainer holds, where the user gave none. Raises ConfigError."""
        if self._config is None and config:
            self.configure(config)

    def log(
        self, step: int, metrics: Mapping[str, Any] | None = None, /, *, epoch: float | None = None, **more: Any
    ) -> None:
        """Note scalars at `step`: losses, learning rate, gradient norm, under any name that a log would give them.

        `metrics` is for names that are no Python names (`train/loss`). What is no number is passed over. Now and
        then the curves are examined, which never raises: a doctor must not end the training that it watches.
        """
        scalars = _numbers(more if metrics is None else {**metrics, **more})
        broken = self._log.add(int(step), scalars, time.time(), epoch)
        wait = self._next - time.monotonic()
        if wait <= 0 or (broken and wait < LOAN * self._rest):
            self.examine()

    def examine(self) -> Diagnosis | None:
        """Judge the log so far; None where it cannot be. What is new and lasting is said, and may stop."""
        started = time.monotonic()
        try:
            self._judge()
        except Exception:  # see `log`
            logger.warning("ttsdoc could not judge the training; it goes on", exc_info=True)
        now = time.monotonic()
        rest = (now - started) / self._share
        self._rest = max(self._rest, rest)
        self._next = max(self._next, now) + rest
        return self.diagnosis

    def finish(self) -> Diagnosis | None:
        """Judge the whole log once more, say the verdict and write the report. The second call does nothing."""
        if self._finished or not self._log.points:
            return self.diagnosis
        self._finished = True
        self.examine()
        if self.diagnosis is None:
            return None
        logger.info("%s: %s", plain(self._log.name), self.diagnosis.verdict.value)
        if self._report is not None:
            try:
                write_report(self.diagnosis, self._report)
            except OSError as error:
                logger.warning("the report could not be written: %s", plain(str(error)))
        return self.diagnosis

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def _judge(self) -> None:
        from diagnose.engine import examine

        facts = self._facts_of(self._log)
        self.diagnosis = examine(facts, checks=self._checks)
        for finding in self._news.take(self.diagnosis):
            logger.warning("%s", finding_line(facts.run, finding))
            if self._on_finding is not None:
                self._on_finding(finding)
        if not self.should_stop and not just_begun(facts) and not warming_up(facts):
            self._decide(self.diagnosis)

    def _decide(self, diagnosis: Diagnosis) -> None:
        for finding in self._news.sure(diagnosis):
            if self._stop_at is not None and finding.severity.rank >= self._stop_at.rank:
                self.should_stop = True
                logger.warning("stop the training: %s", finding_line(diagnosis.run, finding))
                return

    def _facts_of(self, log: MemoryLog) -> Facts:
        from diagnose.gather import facts_of

        return facts_of(log.run(), self._hints, self._config)


def just_begun(facts: Facts) -> bool:
    """Whether too little is logged to stop a training for it."""
    loss = facts.run.loss
    return loss is None or len(loss) < (BEGINNING_IN_EPOCHS if loss.axis is Axis.EPOCH else BEGINNING)


def _checks() -> tuple[Check, ...]:
    """The checks of a log, without those of how it ended: this one has not."""
    from diagnose.checks import every_check
    from diagnose.checks.base import About

    return tuple(check for check in every_check() if check.about is About.RUN and not check.code.startswith("RUN"))


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """What can be read as one number: floats, ints, numpy's and torch's scalars. A tensor on a GPU is waited for."""
    found: dict[str, float] = {}
    for tag, value in metrics.items():
        if isinstance(value, float):
            found[tag] = value
        elif value is not None and not isinstance(value, str | bool):
            try:
                found[tag] = float(value)
            except (TypeError, ValueError, RuntimeError):
                continue
    return found


def write_report(diagnosis: Diagnosis, path: Path) -> None:
    """Write the diagnosis to `path`, whole or not at all. Raises OSError where that cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _render(diagnosis, path.suffix.lower()).encode("utf-8"))


def _render(diagnosis: Diagnosis, ending: str) -> str:
    form = {".json": "json", ".md": "markdown"}.get(ending)
    if form is not None:
        return rendered([diagnosis], form)
    if ending in (".html", ".htm"):
        from diagnose.report.html.page import page

        return page([diagnosis])
    from diagnose.report.screen import Screen
    from diagnose.report.terminal import render

    return render(diagnosis, Screen(width=100, colour=False))
