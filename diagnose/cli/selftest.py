"""`ttsdoc selftest`: how often ttsdoc is right, measured on this machine."""

from __future__ import annotations

import sys

from diagnose.cli.options import TextOrJson, TextOrJsonFormat


def selftest(
    form: TextOrJsonFormat = TextOrJson.TEXT,
) -> None:
    """Measure on this machine how often ttsdoc is right."""
    from diagnose.report import as_json
    from diagnose.report.screen import Screen
    from diagnose.report.selftest import as_plain, render
    from diagnose.testing.selftest import selftest as measure

    outcome = measure()
    if form is TextOrJson.JSON:
        sys.stdout.write(as_json.dumps(as_json.envelope(**as_plain(outcome))))
    else:
        sys.stdout.write(render(outcome, Screen.of_stdout()))
