"""The rows of the index: every statement, and what it gives.

Each call runs in the transaction around it, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database, StoredPush, Sweep
from modules.chat.index.entries import Gone
from modules.chat.pushes import EDITED, MESSAGE

# A kind's row is made when it is first locked. A new one has nothing to be done again.
LOCK: Final = """
    INSERT INTO chat_index (kind, form) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET kind = $1
    RETURNING seq, form, again
"""
POSITIONS: Final = "SELECT kind, seq, form, again FROM chat_index"
MOVE: Final = "UPDATE chat_index SET seq = $2, form = $3, again = $4 WHERE kind = $1"
BEGIN_AGAIN: Final = "UPDATE chat_index SET again = 0"
# A version never takes the place of a later one. `was` is false for a message that the index did not have.
WRITE: Final = """
    WITH written AS (
        INSERT INTO chat_message (seq, version, room, author_id, at, thread, mentions, program_id, words)
        SELECT seq, version, room, author_id, at, thread, ARRAY(SELECT json_array_elements_text(mentions)), program_id,
            array_to_tsvector(ARRAY(SELECT json_array_elements_text(words)))
        FROM json_to_recordset($1) AS row (
            seq bigint, version bigint, room text, author_id text, at timestamptz, thread bigint, mentions json,
            program_id text, words json
        )
        ON CONFLICT (seq) DO UPDATE SET version = EXCLUDED.version, thread = EXCLUDED.thread, words = EXCLUDED.words,
            mentions = EXCLUDED.mentions, program_id = EXCLUDED.program_id, author_id = EXCLUDED.author_id
        WHERE chat_message.version <= EXCLUDED.version
        RETURNING seq, room, mentions, xmax <> 0 AS was
    ), noted AS (
        INSERT INTO chat_mention (user_id, room, seq)
        SELECT DISTINCT one.user_id, room, seq FROM written, unnest(mentions) AS one (user_id) ON CONFLICT DO NOTHING
    )
    SELECT seq, was FROM written
"""
GONE: Final = "RETURNING seq, room, author_id, thread, mentions <> '{}' AS mentioned"
DELETE: Final = f"DELETE FROM chat_message WHERE version = ANY($1::bigint[]) {GONE}"  # noqa: S608
# What the tombstone $2 of the room sweeps. A version has another seq than its message.
SWEEP: Final = f"""
    DELETE FROM chat_message WHERE room = $1 AND version < $2 AND ($3::text IS NULL OR author_id = $3)
    AND (version = seq AND $4 OR version <> seq AND $5) {GONE}
"""  # noqa: S608
# Rows of a kind whose version lies in a part of the archive that does not have it.
DELETE_STRAY: Final = f"""
    DELETE FROM chat_message WHERE version > $1 AND version <= $2 AND split_part(room, ':', 1) = $3
    AND version <> ALL($4::bigint[]) {GONE}
"""  # noqa: S608
COUNT: Final = """
    INSERT INTO chat_index_room AS room (room, changes) SELECT name, number FROM unnest($1::text[], $2::bigint[])
        AS one (name, number)
    ON CONFLICT (room) DO UPDATE SET changes = room.changes + EXCLUDED.changes RETURNING room, changes
"""


class Row(msgspec.Struct, frozen=True):
    """What is written of a message. `words` has its scope too."""

    seq: int
    version: int
    room: str
    author_id: str
    at: datetime
    thread: int | None
    mentions: tuple[str, ...]
    program_id: str | None
    words: Sequence[str]


class Progress(msgspec.Struct, frozen=True):
    """How far the index is in one kind of room. `again` is where reading the archive again has come to, if it is."""

    seq: int
    form: int
    again: int | None


class IndexRepository:
    """The messages of the archive, without their texts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def positions(self) -> dict[str, Progress]:
        """By kind of room; one that was never followed is left out."""
        rows = await self._database.fetch(POSITIONS)
        return {row["kind"]: Progress(row["seq"], row["form"], row["again"]) for row in rows}

    async def lock(self, kind: str, form: int) -> Progress:
        """The progress of a kind, which nobody else changes until the transaction ends."""
        (row,) = await self._database.fetch(LOCK, kind, form)
        return Progress(row["seq"], row["form"], row["again"])

    async def move(self, kind: str, progress: Progress) -> None:
        await self._database.fetch(MOVE, kind, progress.seq, progress.form, progress.again)

    async def begin_again(self) -> None:
        """Let all kinds be read again from the beginning."""
        await self._database.fetch(BEGIN_AGAIN)

    async def write(self, rows: Sequence[Row]) -> dict[int, bool]:
        """Write messages; gives for each that was written whether the index had an earlier version of it."""
        if not rows:
            return {}
        written = await self._database.fetch(WRITE, msgspec.json.encode(rows).decode())
        return {row["seq"]: row["was"] for row in written}

    async def delete(self, versions: Collection[int]) -> list[Gone]:
        """Delete the messages whose latest version is one of these."""
        return _gone(await self._database.fetch(DELETE, list(versions))) if versions else []

    async def sweep(self, tombstone: StoredPush, sweep: Sweep) -> list[Gone]:
        """Delete what a tombstone sweeps."""
        first, later = (name in sweep.pushes for name in (MESSAGE.name, EDITED.name))
        return _gone(await self._database.fetch(SWEEP, tombstone.room, tombstone.seq, sweep.author, first, later))

    async def delete_stray(self, kind: str, after: int, until: int, kept: Collection[int]) -> list[Gone]:
        """Delete the messages of a kind whose version lies in this part of the archive and is not one of `kept`."""
        return _gone(await self._database.fetch(DELETE_STRAY, after, until, kind, list(kept)))

    async def count(self, changes: dict[str, int]) -> dict[str, int]:
        """Add to the changes of these rooms; gives how many there were so far."""
        if not changes:
            return {}
        # In one order, so that two transactions never wait for each other.
        rooms = sorted(changes)
        rows = await self._database.fetch(COUNT, rooms, [changes[room] for room in rooms])
        return {row["room"]: row["changes"] for row in rows}


def _gone(rows: Sequence[object]) -> list[Gone]:
    return [msgspec.convert(dict(row), Gone) for row in rows]  # type: ignore[call-overload]
