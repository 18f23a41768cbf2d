"""How the config of an unknown framework is read: by the usual names, in the usual sections."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.config.dialect import Candidate, Place, Synonyms
from diagnose.config.node import Document, Node, Table, children, resolved

MAX_SECTIONS = 4
"""Sections inside one another that are searched. Hand-written configs nest hyperparameters at most three deep."""


def guesses(document: Document, synonyms: Synonyms) -> dict[str, tuple[Candidate, ...]]:
    """Canonical name -> places in this document that a person would call by that name, best first."""
    leaves = [] if document.root is None else list(_leaves(document.root, (), synonyms))
    return {name: tuple(_ranked(words, leaves, synonyms)) for name, words in synonyms.names.items()}


def _leaves(node: Node, path: tuple[str, ...], synonyms: Synonyms) -> Iterator[tuple[str, ...]]:
    """The paths below `node` that lead through no section about something else."""
    inside = resolved(node)
    if not isinstance(inside, Table) or len(path) > MAX_SECTIONS:
        if path:
            yield path
        return
    if path and path[-1].lower() in synonyms.never:
        return
    for key, child in children(inside):
        yield from _leaves(child, (*path, str(key)), synonyms)


def _ranked(words: tuple[str, ...], leaves: list[tuple[str, ...]], synonyms: Synonyms) -> Iterator[Candidate]:
    matches = [(rank, path) for path in leaves if (rank := _rank(path, words, synonyms)) is not None]
    for _, path in sorted(matches):
        yield Candidate(Place(".".join(path)))


def _rank(path: tuple[str, ...], words: tuple[str, ...], synonyms: Synonyms) -> tuple[int, int, int] | None:
    """Lower is better: depth, section, word. None where the path is not called by any of the words."""
    for number, word in enumerate(words):
        parts = tuple(word.lower().split("."))
        if tuple(part.lower() for part in path[-len(parts) :]) == parts and _allowed(path, len(parts), synonyms):
            section = path[0].lower() if len(path) > 1 else ""
            place = synonyms.sections.index(section) if section in synonyms.sections else len(synonyms.sections)
            return place, number, len(path)
    return None


def _allowed(path: tuple[str, ...], length: int, synonyms: Synonyms) -> bool:
    sections = [part.lower() for part in path[:-1]]
    return not sections or sections[0] in synonyms.sections or length > 1
