"""Messages about a running training to ntfy, Slack, Discord, Telegram, mail or a webhook, sent by apprise.

One message a new finding and one at the end. The addresses hold secrets: they appear in no message, error or log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from diagnose.clean import plain
from diagnose.errors import TtsdocError
from diagnose.finding import Diagnosis, Finding, Severity, Verdict
from diagnose.report.line import what_to_do
from diagnose.report.words import best_words, span, title
from diagnose.run import Run

if TYPE_CHECKING:
    from apprise import Apprise

MOST_TEXT = 1500
"""Characters of a message. Source: Discord cuts at 2000, a text message is far shorter."""
CARRIERS = ("apprise", "urllib3", "requests")
"""Loggers of the libraries that carry a message; they would write the addresses down."""


class Alerts:
    """Where messages go. Sending never raises: a training must not end because a network does.

    `urls`: apprise addresses (`ntfy://topic`, `discord://...`, `json://host/path`, ...).
    Raises TtsdocError, without the address, where apprise is missing or an address is not understood.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._carrier = _carrier(urls)
        self._sent_before: set[tuple[str, str, str]] = set()

    def finding(self, run: Run, finding: Finding) -> list[str]:
        """Send a finding that was not sent before. Returns a line for each address that could not be reached."""
        key = (run.name, finding.code, finding.metric)
        if key in self._sent_before:
            return []
        self._sent_before.add(key)
        heading = f"ttsdoc: {title(run)}: {finding.severity.value} {finding.code} {finding.name}"
        return self._send(heading, "\n".join(_about(run, finding)), finding.severity.value)

    def end(self, diagnosis: Diagnosis) -> list[str]:
        """Send how the run ended. Returns a line for each address that could not be reached."""
        heading = f"ttsdoc: {title(diagnosis.run)} has ended: {diagnosis.verdict.value}"
        kind = "success" if diagnosis.verdict is Verdict.HEALTHY else Severity.WARNING.value
        return self._send(heading, "\n".join(_ending(diagnosis)), kind)

    def _send(self, heading: str, body: str, kind: str) -> list[str]:
        from apprise import NotifyFormat, NotifyType

        kinds = {"error": NotifyType.FAILURE, "warning": NotifyType.WARNING, "success": NotifyType.SUCCESS}
        failed = []
        for place, address in enumerate(self._carrier, 1):
            with _silent():
                sent = _sent(
                    address,
                    title=_harmless(plain(heading)),
                    body=_harmless(body)[:MOST_TEXT],
                    notify_type=kinds.get(kind, NotifyType.INFO),
                    body_format=NotifyFormat.TEXT,
                )
            if not sent:
                failed.append(f"alert {place} ({address.service_name}) could not be delivered")
        return failed


def _sent(address: Any, **message: Any) -> bool:
    try:
        return bool(address.notify(**message))
    except Exception:  # whatever a service's plug-in does wrong: see Alerts
        return False


def _carrier(urls: Sequence[str]) -> Apprise:
    try:
        from apprise import Apprise
    except ImportError as error:
        raise TtsdocError("alerts need the package apprise: pip install 'ttsdoc[alerts]'") from error
    carrier = Apprise()
    with _silent():
        for place, url in enumerate(urls, 1):
            if not carrier.add(url):
                raise TtsdocError(
                    f"--notify: address {place} is none that apprise understands; "
                    "write ntfy://TOPIC, slack://..., discord://..., mailto://... or json://HOST/PATH"
                )
    return carrier


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the carriers from logging: their lines hold addresses."""
    loggers = [logging.getLogger(name) for name in CARRIERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _about(run: Run, finding: Finding) -> Iterator[str]:
    yield plain(finding.message)
    if where := span(run, finding):
        yield f"Where: {where}"
    if todo := what_to_do(finding):
        yield f"What to do: {todo}"
    yield f"More: ttsdoc explain {finding.code}"


def _ending(diagnosis: Diagnosis) -> Iterator[str]:
    for finding in diagnosis.findings:
        if finding.alarming and finding.explained_by is None:
            yield plain(f"{finding.code} {finding.name}: {finding.message}")
    stop = diagnosis.stop
    if stop is not None:
        yield f"Best: {best_words(diagnosis.run, stop)}"
    yield from (f"What to do: {plain(prescription.title)}" for prescription in diagnosis.prescriptions[:1])


def _harmless(text: str) -> str:
    """Text in which a chat sees no mention: the name of a run must not wake a whole company."""
    return text.replace("@", "@\u200b").replace("<!", "<\u200b!")
