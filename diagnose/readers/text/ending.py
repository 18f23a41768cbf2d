"""How a text log ended, by the lines behind its last metric, and whether those before its first say that it resumes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diagnose.regex import regex
from diagnose.run import Ending, EndingKind

TAIL_BYTES = 1 << 15
"""Bytes at the end of a log in which its end is reported: a traceback of several ranks."""
LONGEST_LINE = 300
# Surest first: an out-of-memory error comes with a traceback, and a killed process often after one.
_KINDS: tuple[tuple[EndingKind, re.Pattern[str]], ...] = (
    (
        EndingKind.OUT_OF_MEMORY,
        regex(
            r"out of memory|OutOfMemoryError|out-of-memory|oom[-_ ]?kill|ResourceExhausted|OOM when allocating"
            r"|\bMemoryError\b|bad_alloc|cannot allocate memory|can't allocate memory|ALLOC_FAILED",
            re.IGNORECASE,
        ),
    ),
    (
        EndingKind.KILLED,
        regex(
            r"^\W*(?:\S+ line \d+: +\d+ )?(?:Killed|Terminated|Hangup)\b|KeyboardInterrupt|SIGTERM|SIGKILL|SIGINT"
            r"|signal(?: \w+)? ?(?:9|15|2)\b|killed by signal|exit ?code *:? *(?:-(?:9|15)|137|143)\b|CANCELLED"
            r"|DUE TO (?:TIME|NODE)|PREEMPT"
            r"|slurmstepd: error",
        ),
    ),
    (
        EndingKind.DIED,
        regex(
            r"^(?:\[?rank\d+\]?:? ?)?(?:[\w.]+\.)?\w*(?:Error|Exception|Failure)\b(?::|$)"
            r"|Segmentation fault|core dumped"
            r"|ChildFailedError|Fatal Python error|^Traceback \(most recent|\bAborted\b|terminate called"
            r"|NCCL (?:error|WARN)|Watchdog caught|SIGSEGV|SIGABRT|panicked at|exit ?code *:? *-?[1-9]"
            r"|(?i:\b(?:nan|inf|infinite|non-?finite|not finite|invalid loss)\b.{0,40}"
            r"\b(?:stop|exit|abort|terminat|halt))",
        ),
    ),
    (
        EndingKind.FINISHED,
        regex(
            r"train_runtime|\btraining\b.{0,24}\b(?:complete|finish|done|stopped)|\b(?:finished|completed) training"
            r"|FINISHED optimi|early[ -]?stop|max_(?:epochs|steps)=?.{0,12} reached|^\W*(?:done|finished|complete)\W*$"
            r"|训练(?:完成|结束)|训练已完成|abgeschlossen|entra[iî]nement terminé"
            r"|entrenamiento (?:completado|finalizado)|обучение завершено",
            re.IGNORECASE,
        ),
    ),
)
_RESUMED = regex(
    r"\b(?:resum(?:e|ed|ing)|continu(?:e|ed|ing) (?:training )?from|restor(?:ed|ing)|load(?:ed|ing))\b"
    r".{0,60}\b(?:checkpoint|ckpt|step|epoch|iteration|state)|=> ?load(?:ed|ing) checkpoint",
    re.IGNORECASE,
)
_NOT_RESUMED = regex(r"best|pre-?trained|[Nn]one\b|\bfalse\b|not found|no checkpoint", re.IGNORECASE)


def ending_in(lines: Sequence[str], step: int | None) -> Ending | None:
    """What the lines behind the last metric say of the end; None where they say nothing."""
    for kind, pattern in _KINDS:
        found = [line.strip() for line in lines if pattern.search(line.strip())]
        named = [line for line in found if not line.startswith("Traceback")]
        if found:
            return Ending(kind, (named or found)[-1][:LONGEST_LINE], step)
    return None


def resumed_in(lines: Sequence[str]) -> str:
    """The line that reports a resumed training; empty where none does."""
    found = (line for line in lines if _RESUMED.search(line) and not _NOT_RESUMED.search(line))
    return next(found, "")[:LONGEST_LINE].strip()
