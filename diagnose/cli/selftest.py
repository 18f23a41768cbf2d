"""`ttsdoc selftest`: how often ttsdoc is right, measured on this machine."""

from __future__ import annotations

from diagnose.cli.options import TextOrJson, TextOrJsonFormat, answer


def selftest(form: TextOrJsonFormat = TextOrJson.TEXT) -> None:
    """Measure on this machine how often ttsdoc is right."""
    from diagnose.report.selftest import as_plain, render
    from diagnose.testing.selftest import selftest as measure

    outcome = measure()
    answer(form, lambda: as_plain(outcome), lambda screen: render(outcome, screen))
