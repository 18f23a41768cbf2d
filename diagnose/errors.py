"""What a user can repair. Each message is one line: where, what is wrong, what to do. The exit status is 2."""

from __future__ import annotations


class TtsdocError(Exception):
    """Something that the user can repair: the base of all errors that ttsdoc raises on purpose."""


class LogError(TtsdocError):
    """A log that cannot be read."""


class ConfigError(TtsdocError):
    """A config that cannot be read or written."""


class DataError(TtsdocError):
    """A data set that cannot be read."""


class TrainerError(TtsdocError):
    """A training that cannot start or go on."""


class SourceError(TtsdocError):
    """A trainer whose source cannot be read, or that cannot be started."""
