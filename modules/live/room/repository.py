"""The revisions of a room's parts, and the lock that each of them is.

A part (hands, questions, polls …) is a list that changes by small pushes. One `rev` for each session and part numbers
these pushes. Whoever changes a part locks the row of its revision before anything else. So the pushes come in the order
of their commits. A client that holds a part needs one rule: apply a push with a higher `rev`, and drop any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from gateway.contract import Database

T = TypeVar("T", bound=msgspec.Struct)

BUMP: Final = """
    INSERT INTO live_part AS held (session_id, part, rev) VALUES ($1, $2, 1)
    ON CONFLICT (session_id, part) DO UPDATE SET rev = held.rev + 1 RETURNING rev
"""
LOCK: Final = """
    INSERT INTO live_part AS held (session_id, part) VALUES ($1, $2)
    ON CONFLICT (session_id, part) DO UPDATE SET rev = held.rev RETURNING rev
"""
TAKE_TURN: Final = """
    UPDATE live_part SET told_at = clock_timestamp()
    WHERE session_id = $1 AND part = $2 AND told_at <= clock_timestamp() - make_interval(secs => $3)
    RETURNING true
"""


class PartRepository:
    """The rows of `live_part`. Call it in a transaction; each call raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, session: str, part: str) -> int:
        """The part's revision, when it is not clear yet that something changes.

        Nobody else changes the part until the transaction ends.
        """
        return int((await self._database.fetch(LOCK, session, part))[0]["rev"])

    async def bump(self, session: str, part: str) -> int:
        """The part's next revision. Nobody else changes the part until the transaction ends."""
        return int((await self._database.fetch(BUMP, session, part))[0]["rev"])

    async def take_turn(self, session: str, part: str, interval: float) -> bool:
        """Lock the part to count its votes. False when any gateway did so less than `interval` seconds ago."""
        return bool(await self._database.fetch(TAKE_TURN, session, part, interval))


def with_revision(rows: Sequence[Mapping[str, Any]], kind: type[T], key: str) -> tuple[int, list[T]]:
    """A part's revision and its items, from rows of `live_part` that its items were joined to.

    One statement reads both, so that the revision is that of the items beside it. A part without items is one row, in
    which `key`, a column that no item leaves empty, is null. A part that never changed has no row.
    """
    items = [msgspec.convert(row, kind) for row in rows if row[key] is not None]
    return (rows[0]["rev"] if rows else 0), items
