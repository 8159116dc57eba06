"""Errors of a local server, each one sentence that a person can act on."""

from __future__ import annotations


class DevStackError(Exception):
    """A local server or the data folder is unusable; the message is one sentence that says what to do."""
