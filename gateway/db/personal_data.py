"""Exports and deletes the personal data in the kernel's own tables: archived pushes and answers kept for repeats."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract.identities import Remains, Said
from gateway.db.database import PostgresDatabase
from gateway.principal import FORGOTTEN

# Pushes in one step: all that a user ever wrote would be too much for one query.
SLICE: Final = 1000

SAID: Final = """
    SELECT room, seq, at, push, data FROM room_push WHERE author ->> 'id' = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
WRITTEN: Final = """
    SELECT seq, room FROM room_push WHERE author ->> 'id' = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
# The id stays, because threads and moderation need it. Without the user's row it identifies nobody.
ANONYMISE: Final = """
    UPDATE room_push SET
        author = json_build_object('id', author ->> 'id', 'name', $2::text, 'role', author ->> 'role')
    WHERE seq = ANY($1::bigint[]) AND author ->> 'name' <> $2
"""
# Finds a person inside the data of a push, as the encoder writes one: `"id":"…","name":"…"`.
LOOKED_AT: Final = """
    SELECT seq, strpos(data::text, '"id":"' || $4 || '","name":"') > 0 AS named FROM room_push
    WHERE room = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
RENAME: Final = r"""
    UPDATE room_push SET data = regexp_replace(
        data::text, '("id":"' || $3 || '","name":)"(\\.|[^"\\])*"', '\1' || to_json($2::text)::text, 'g'
    )::json
    WHERE seq = ANY($1::bigint[])
"""
ANSWERS: Final = "DELETE FROM idempotency_key WHERE principal = $1"


class KernelPersonalData:
    """Every method runs in the task's transaction if there is one, and raises Unavailable."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def said(self, user: str, after: int) -> tuple[list[Said], int | None]:
        """Archived pushes of the user after a sequence, oldest first; and the sequence to continue after, or None."""
        rows = await self._database.fetch(SAID, user, after, SLICE)
        said = [Said(row["room"], row["seq"], row["at"], row["push"], msgspec.json.decode(row["data"])) for row in rows]
        return said, said[-1].seq if len(said) == SLICE else None

    async def forget(self, user: str) -> None:
        """Delete the answers that are kept for repeats of the user's requests."""
        await self._database.fetch(ANSWERS, user)

    async def anonymise(self, remains: Remains) -> Remains | None:
        """Remove the user's name: first from their own pushes, then from pushes of others that name them.

        The rooms of others' pushes are those in `remains` and those where the user wrote. One call handles one slice
        and returns what is left, or None. Doing it again from the start changes nothing.
        """
        left = SLICE
        while left > 0:
            if remains.writings:
                remains, seen = await self._writings(remains, left)
            elif remains.rooms:
                remains, seen = await self._room(remains, left)
            else:
                return None
            # A room without pushes costs a query too.
            left -= max(1, seen)
        return remains

    async def _writings(self, remains: Remains, limit: int) -> tuple[Remains, int]:
        rows = await self._database.fetch(WRITTEN, remains.user, remains.seq, limit)
        await self._database.fetch(ANONYMISE, [row["seq"] for row in rows], FORGOTTEN)
        rooms = sorted({*remains.rooms, *(row["room"] for row in rows)})
        if len(rows) < limit:
            return Remains(remains.user, rooms, writings=False), len(rows)
        return Remains(remains.user, rooms, seq=rows[-1]["seq"]), len(rows)

    async def _room(self, remains: Remains, limit: int) -> tuple[Remains, int]:
        room, *others = remains.rooms
        rows = await self._database.fetch(LOOKED_AT, room, remains.seq, limit, remains.user)
        if named := [row["seq"] for row in rows if row["named"]]:
            await self._database.fetch(RENAME, named, FORGOTTEN, remains.user)
        if len(rows) < limit:
            return Remains(remains.user, others, writings=False), len(rows)
        return msgspec.structs.replace(remains, seq=rows[-1]["seq"]), len(rows)
