"""`ttsdoc watch`: the diagnosis of a run while it lasts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.options import Family, Samples, TrainTag, ValTag, finite, tell

if TYPE_CHECKING:
    from diagnose.finding import Diagnosis
    from diagnose.live.watch import Event, NewFinding, Progress


class Stream(str, Enum):
    """How events are written."""

    TEXT = "text"
    JSONL = "jsonl"


class Until(str, Enum):
    """What ends the watch."""

    DONE = "done"
    ERROR = "error"


QUIET = 60.0
"""Seconds between two lines of progress where the output is no terminal."""


def watch(
    place: Annotated[str, typer.Argument(metavar="LOGS", help="A log, or the folder in which one is or will be.")],
    once: Annotated[bool, typer.Option("--once", help="Look once, report, and exit.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.05, callback=finite, help="Seconds between two looks, at least.")
    ] = 5.0,
    form: Annotated[Stream, typer.Option("--format", help="Output format.")] = Stream.TEXT,
    on_error: Annotated[
        str | None,
        typer.Option(
            metavar="CMD",
            help="Run this when an error is confirmed; TTSDOC_CODE, _FINDING, _STEP, _MESSAGE and _RUN describe it.",
        ),
    ] = None,
    until: Annotated[Until, typer.Option(help="Exit when the run is over, or also at the first error.")] = Until.DONE,
    stop_pid: Annotated[
        int | None, typer.Option(min=2, help="The trainer's process: ask it to stop (as Ctrl-C does) at an error.")
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            envvar="TTSDOC_NOTIFY",
            show_envvar=True,
            help="Send each new finding and the end there: ntfy://TOPIC, slack://..., mailto://..., json://HOST/PATH. "
            "The variable keeps secrets out of the list of processes.",
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The config of the run, where it is not beside the log.")] = None,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
) -> None:
    """Follow a run and report what is wrong once it is confirmed.

    Costs less than 1 % of one processor.
    """
    from diagnose.facts import Hints
    from diagnose.live.child import alive
    from diagnose.live.watch import End, Ended, NewFinding
    from diagnose.live.watch import watch as follow

    if place == "-":
        raise typer.BadParameter("a pipe cannot be looked at twice: write it to a file (tee), or give it to analyze -")
    if not once and not Path(place).exists():
        tell(f"{place} is not there yet; waiting for it")
    if stop_pid is not None and not alive(stop_pid):
        raise typer.BadParameter(f"--stop-pid: no process {stop_pid} is running")
    alerts, out = None, _Writer(form)
    if notify:  # what is refused is refused before the watch begins, not in the middle of the night
        from diagnose.live.alerts import Alerts

        alerts = Alerts(notify)
    hints = Hints(config, samples, family, train_tag, val_tag)
    diagnosis = None
    for event in follow(
        place,
        hints,
        interval=interval,
        once=once,
        until=End(until.value),
        alive=lambda: stop_pid is None or alive(stop_pid),
    ):
        out.write(event)
        if isinstance(event, NewFinding):
            _act(event, on_error, stop_pid)
            tell(*(alerts.finding(event.diagnosis.run, event.finding) if alerts else ()))
        if isinstance(event, Ended):
            diagnosis = event.diagnosis
            tell(*(alerts.end(diagnosis) if alerts and diagnosis else ()))
    raise typer.Exit(_status(diagnosis))


def _act(event: NewFinding, command: str | None, pid: int | None) -> None:
    """What the user asked for at a confirmed error."""
    from diagnose.finding import Severity
    from diagnose.live.child import alive

    if event.finding.severity is not Severity.ERROR:
        return
    if command:
        values = {
            "CODE": event.finding.code,
            "FINDING": event.finding.name,
            "STEP": str(event.step),
            "MESSAGE": event.finding.message,
            "RUN": event.diagnosis.run.source,
        }
        environment = {**os.environ, **{f"TTSDOC_{name}": value.replace("\0", "") for name, value in values.items()}}
        subprocess.run(command, shell=True, check=False, env=environment)  # noqa: S602 - the user's own command
    if pid is not None and alive(pid):
        os.kill(pid, signal.SIGINT)
        tell(f"asked process {pid} to stop")


class _Writer:
    """Events on standard output: the whole report at first, then what is new."""

    def __init__(self, form: Stream) -> None:
        self._form = form
        self._run, self._last, self._line = "", 0.0, ""

    def write(self, event: Event) -> None:
        (self._json if self._form is Stream.JSONL else self._text)(event)
        sys.stdout.flush()

    def _json(self, event: Event) -> None:
        from diagnose.live.watch import NewFinding, Progress
        from diagnose.report.as_json import line
        from diagnose.report.line import finding_event, progress_json

        if isinstance(event, Progress):
            content = progress_json(event.diagnosis, event.step, event.planned, event.steps_per_second)
        elif isinstance(event, NewFinding):
            content = finding_event(event.diagnosis, event.finding, event.step)
        else:
            verdict = None if event.diagnosis is None else event.diagnosis.verdict.value
            content = {"event": "ended", "end": event.end.value, "verdict": verdict}
        sys.stdout.write(line(content))

    def _text(self, event: Event) -> None:
        from diagnose.live.watch import NewFinding, Progress
        from diagnose.report.line import finding_line

        if isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, NewFinding):
            self._fresh(f"step {event.step:,}  {finding_line(event.diagnosis.run, event.finding)}")
        elif event.diagnosis is None:
            self._fresh("nothing was logged")
        elif event.end.value != "once":
            self._fresh(f"the run has ended ({event.end.value}): {event.diagnosis.verdict.value}")

    def _progress(self, event: Progress) -> None:
        from diagnose.report.line import progress_line
        from diagnose.report.screen import Screen
        from diagnose.report.terminal import render

        run, before = event.diagnosis.run, self._run
        self._run = run.source
        if not before:
            sys.stdout.write(render(event.diagnosis, Screen.of_stdout()))
        elif run.source != before:
            self._fresh(f"another run is written to now: {plain(run.name)}")
        text = progress_line(event.diagnosis, event.step, event.planned, event.steps_per_second, event.seconds_left)
        if sys.stdout.isatty():
            width = Screen.of_stdout().width - 1
            self._line = text[:width]
            sys.stdout.write(f"\r{self._line:<{width}}")
        elif time.monotonic() - self._last >= QUIET:
            self._last = time.monotonic()
            sys.stdout.write(text + "\n")

    def _fresh(self, text: str) -> None:
        """A line of its own, below the line of progress."""
        sys.stdout.write(("\n" if self._line else "") + text + "\n")
        self._line = ""


def _status(diagnosis: Diagnosis | None) -> int:
    """As `analyze`: 1 where a warning or an error remains at the end; 2 where nothing was ever logged."""
    from diagnose.finding import Severity
    from diagnose.live.history import remember

    if diagnosis is None:
        return 2
    found = remember(diagnosis).findings
    return int(any(finding.alarming and finding.severity is not Severity.INFO for finding in found))
