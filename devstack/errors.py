"""What can go wrong with a local server, as one sentence a person can act on."""

from __future__ import annotations


class DevStackError(Exception):
    """A local server or the data folder is unusable; the message is one sentence that says what to do."""
