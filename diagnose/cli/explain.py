"""`ttsdoc explain`: what a finding or a hyperparameter means, and what to do."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from diagnose.cli.completion import topics


def explain(
    topic: Annotated[
        str | None,
        typer.Argument(help="A code, the name of a check, or a hyperparameter; none: list all.", autocompletion=topics),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="How it is detected, with thresholds and sources.")] = False,
) -> None:
    """Say what a finding or a hyperparameter means, and what to do."""
    from diagnose.errors import did_you_mean
    from diagnose.report.explain import entry_text, find_entry, find_topic, known_names, listing, topic_text
    from diagnose.report.screen import Screen

    screen = Screen.of_stdout()
    if topic is None:
        sys.stdout.write(listing(screen))
        return
    found, entry = find_topic(topic), find_entry(topic)
    if found is not None:
        sys.stdout.write(topic_text(found, screen, long=long))
    elif entry is not None:
        sys.stdout.write(entry_text(entry, screen))
    else:
        hint = did_you_mean(topic, known_names())
        print(f"ttsdoc: nothing is called {topic!r}{hint} (ttsdoc explain lists all)", file=sys.stderr)
        raise typer.Exit(2)
