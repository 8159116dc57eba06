"""What the kernel's own tables hold on a user: what they wrote in archived rooms, and answers kept for repeats."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from gateway.db.database import PostgresDatabase
from gateway.module import Said
from gateway.principal import FORGOTTEN

SAID: Final = """
    SELECT room, seq, at, push, data FROM room_push WHERE author ->> 'id' = $1 ORDER BY seq
"""
# The id stays: it is what threads and moderation go by, and without the user's row it names nobody.
ANONYMISE: Final = """
    UPDATE room_push SET author = json_build_object('id', $1::text, 'name', $2::text, 'role', author ->> 'role')
    WHERE author ->> 'id' = $1 AND author ->> 'name' <> $2
"""
# A person inside of what was pushed, as the encoder writes one: `"id":"…","name":"…"`.
NAMED: Final = r"""
    UPDATE room_push SET data = regexp_replace(
        data::text, '("id":"' || $1 || '","name":)"(\\.|[^"\\])*"', '\1' || to_json($2::text)::text, 'g'
    )::json
    WHERE strpos(data::text, '"id":"' || $1 || '","name":"') > 0 AND (
        room = ANY($3::text[]) OR room IN (SELECT room FROM room_push WHERE author ->> 'id' = $1)
    )
"""
ANSWERS: Final = "DELETE FROM idempotency_key WHERE principal = $1"


class Traces:
    """Reads and removes them, in the task's transaction if there is one; every method raises Unavailable."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def said(self, user: str) -> list[Said]:
        """Every archived push of the user, the oldest first."""
        rows = await self._database.fetch(SAID, user)
        return [Said(row["room"], row["seq"], row["at"], row["push"], msgspec.json.decode(row["data"])) for row in rows]

    async def forget(self, user: str, rooms: Collection[str]) -> None:
        """Take the user's name off what they wrote, and off what names them in these rooms and those where they wrote.

        What was answered them for repeats is dropped. Again, it changes nothing.
        """
        await self._database.fetch(ANONYMISE, user, FORGOTTEN)
        await self._database.fetch(NAMED, user, FORGOTTEN, list(rooms))
        await self._database.fetch(ANSWERS, user)
