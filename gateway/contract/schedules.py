"""Schedules: sets and cancels timers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class Schedules(Protocol):
    """Timers of this module, each known by its name and a key."""

    async def at(self, name: str, key: str, when: datetime, payload: msgspec.Struct) -> None:
        """Set the timer, or set it anew: `name` is one of the module's `timers`, `key` matches `[A-Za-z0-9_-]{1,64}`.

        Inside a transaction it is set when that commits, and only then. A time that has passed is due at once. Raises
        ValueError for a time without a zone, an unknown name or a bad key, and Unavailable.
        """

    async def cancel(self, name: str, key: str) -> None:
        """Take the timer back; one that is not set is no error. Inside a transaction, when that commits."""
