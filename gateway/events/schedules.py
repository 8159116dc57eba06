"""Sets and cancels timers. The table `timer` is the record; the outbox takes each change to NATS, which fires them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.contract.timer import Timer
from gateway.db.database import PostgresDatabase
from gateway.events.outbox import Outbox

KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
CANCELLED: Final = b"null"

SET = """
    INSERT INTO timer (name, key, at, payload) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name, key) DO UPDATE SET
        id = gen_random_uuid(), at = EXCLUDED.at, payload = EXCLUDED.payload, resent_at = NULL
    RETURNING id
"""
CANCEL = "DELETE FROM timer WHERE name = $1 AND key = $2 RETURNING id"
TAKE = "DELETE FROM timer WHERE name = $1 AND id = $2::uuid RETURNING payload"


class Wake(msgspec.Struct, frozen=True):
    """A timer in the stream: the id of its row, and when it is due."""

    id: str
    at: datetime


class ModuleSchedules:
    """Implements `gateway.contract.Schedules` for one module; `timers` are those of all modules, by name."""

    def __init__(self, module: str, timers: Mapping[str, Timer], database: PostgresDatabase, outbox: Outbox) -> None:
        self._module = module
        self._timers = timers
        self._database = database
        self._outbox = outbox

    async def at(self, name: str, key: str, when: datetime, payload: msgspec.Struct) -> None:
        self._check(name, key)
        if when.tzinfo is None:
            raise ValueError(f"timer {name}: {when} has no time zone")
        if not isinstance(payload, self._timers[name].payload):
            raise ValueError(f"timer {name} has a payload of {self._timers[name].payload.__name__}")
        async with self._database.transaction():
            rows = await self._database.fetch(SET, name, key, when, msgspec.json.encode(payload).decode())
            await self._outbox.add("timer", f"{name}.{key}", wake(str(rows[0]["id"]), when))

    async def cancel(self, name: str, key: str) -> None:
        self._check(name, key)
        async with self._database.transaction():
            if await self._database.fetch(CANCEL, name, key):
                await self._outbox.add("timer", f"{name}.{key}", CANCELLED)

    def _check(self, name: str, key: str) -> None:
        if name not in self._timers or name.partition(".")[0] != self._module:
            raise ValueError(f"module {self._module} declares no timer {name}")
        if not KEY.fullmatch(key):
            raise ValueError(f"timer {name}: the key {key!r} is not 1 to 64 characters from A-Z a-z 0-9 _ -")


def wake(id: str, when: datetime) -> bytes:
    return msgspec.json.encode(Wake(id, when.astimezone(UTC)))


class TimerRows:
    """The rows of timers, for the handlers that run when they are due."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def take(self, name: str, id: str) -> bytes | None:
        """Delete the row of a timer that is due, in the current transaction; returns its payload.

        None when the timer was cancelled, set again or handled. Waits for another transaction that holds the row.
        """
        rows = await self._database.fetch(TAKE, name, id)
        return rows[0]["payload"].encode() if rows else None
