"""What the kernel's own tables hold on a user: what they wrote in archived rooms, and answers kept for repeats."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract.identities import Remains, Said
from gateway.db.database import PostgresDatabase
from gateway.principal import FORGOTTEN

# How many pushes are read or looked at in one go: all that somebody ever wrote is too much for one.
SLICE: Final = 1000

SAID: Final = """
    SELECT room, seq, at, push, data FROM room_push WHERE author ->> 'id' = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
WRITTEN: Final = """
    SELECT seq, room FROM room_push WHERE author ->> 'id' = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
# The id stays: it is what threads and moderation go by, and without the user's row it names nobody.
ANONYMISE: Final = """
    UPDATE room_push SET
        author = json_build_object('id', author ->> 'id', 'name', $2::text, 'role', author ->> 'role')
    WHERE seq = ANY($1::bigint[]) AND author ->> 'name' <> $2
"""
# A person inside of what was pushed, as the encoder writes one: `"id":"…","name":"…"`.
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
    """Reads and removes them, in the task's transaction if there is one; every method raises Unavailable."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def said(self, user: str, after: int) -> tuple[list[Said], int | None]:
        """Archived pushes of the user after one, the oldest first; and after which more come, or None."""
        rows = await self._database.fetch(SAID, user, after, SLICE)
        said = [Said(row["room"], row["seq"], row["at"], row["push"], msgspec.json.decode(row["data"])) for row in rows]
        return said, said[-1].seq if len(said) == SLICE else None

    async def forget(self, user: str) -> None:
        """Drop what was answered the user for repeats."""
        await self._database.fetch(ANSWERS, user)

    async def anonymise(self, remains: Remains) -> Remains | None:
        """Take the user's name off what they wrote, then off what names them in the rooms and those where they wrote.

        Looks at a slice, and returns what is left. Again from the start, it changes nothing.
        """
        left = SLICE
        while left > 0:
            if remains.writings:
                remains, seen = await self._writings(remains, left)
            elif remains.rooms:
                remains, seen = await self._room(remains, left)
            else:
                return None
            # A room in which nothing is costs a question too.
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
