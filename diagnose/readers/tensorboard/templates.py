"""The templates that were learned, and which of them a record is an example of."""

from __future__ import annotations

import threading
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from diagnose.readers.tensorboard.crc import Bytes
from diagnose.readers.tensorboard.layout import Columns, Layout, Template, learn

MOST_TEMPLATES = 4096
"""A file with more tags than this is strange, and its others are read one by one."""
MOST_SHARED = 1024
"""With more than these a file learns anew: to have many costs memory, and time where they do not fit."""
_SLOTS = 1 << 12
"""Places for the templates of a group: as many as stay in the fastest cache, and then seldom one for two."""

Numbers = npt.NDArray[np.int16]


class Group:
    """Templates of one layout whose residues differ in their last bits, so that these find them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.templates: list[Template] = []
        self.numbers: list[int] = []
        """The number of each template among all."""
        self._slots = np.zeros(_SLOTS, np.int16)
        self._residues = np.zeros(0, np.uint32)

    def found(self, residue: int) -> Template | None:
        """The template in the slot of this residue."""
        one = self.templates[self._slots[residue % _SLOTS]]
        return one if one.residue % _SLOTS == residue % _SLOTS else None

    def add(self, template: Template, number: int) -> None:
        """Add one whose slot is free."""
        self._slots[template.residue % _SLOTS] = len(self.templates)
        self.templates.append(template)
        self.numbers.append(number)

    def match(self, rows: Bytes, columns: Columns) -> Numbers:
        """Shape (n,): which template each record, shape (n, width), is an intact example of; -1: of none."""
        if len(self._residues) < len(self.templates):
            self._residues = np.array([template.residue for template in self.templates], np.uint32)
            self._constants = np.stack([template.constant for template in self.templates]).view(f"V{rows.shape[1]}")
        residues = columns.residues()
        which: Numbers = self._slots.take(residues & np.uint32(_SLOTS - 1))
        differ = self.layout.filled(self._constants.take(which).view(np.uint8).reshape(rows.shape), columns)
        differ ^= rows
        wrong = self._residues[which] != residues
        if differ.any():
            wrong |= differ.any(axis=1)
        which[wrong] = -1
        return which


class Templates(threading.local):
    """All that were learned, by each thread for itself."""

    def __init__(self) -> None:
        self.all: list[Template] = []
        self.groups: dict[int, list[Group]] = defaultdict(list)
        """By the length of the payload; the last one in use comes last."""

    def learn(self, record: bytes) -> bool:
        """Whether an intact record gave a new template. Raises UnsupportedRecordError if it is no list of scalars."""
        template = learn(record)
        groups = [group for group in self.groups[template.layout.length] if group.layout == template.layout]
        found = [group.found(template.residue) for group in groups]
        if len(self.all) == MOST_TEMPLATES or any(one and one.residue == template.residue for one in found):
            return False
        group = next((group for group, taken in zip(groups, found, strict=True) if not taken), None)
        if group is None:
            group = Group(template.layout)
            self.groups[template.layout.length].append(group)
        group.add(template, len(self.all))
        self.all.append(template)
        return True


_SHARED = Templates()


def known_templates() -> Templates:
    """What the files before this one have taught: those of one folder are mostly alike."""
    return _SHARED if len(_SHARED.all) < MOST_SHARED else Templates()
