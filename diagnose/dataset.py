"""A data set as it lies on disk: how large it is, and what is wrong with it before anyone trains."""

from __future__ import annotations

from diagnose.metadata import DataError, samples_of

__all__ = ["DataError", "samples_of"]
