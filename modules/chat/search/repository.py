"""The statement that searches: words, filters and rights in one, so that no row of a room comes back that the reader
may not read at that moment."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from modules.chat.direct.repository import DirectRepository
from modules.live.facade import readable_session
from modules.programs.facade import standing_in

# $1 the words, $2 a room, $3 an author, $4 a seq, $5 the reader, $6 whether the reader may teach, $7 whether they may
# read every class and program (an admin who names one), $8 how many. Rights are asked for once for each room in which
# something was found. The scopes of the reader are among the words, so these are few.
SEARCH: Final = f"""
    WITH found AS MATERIALIZED (
        SELECT seq, version, room, thread, at FROM chat_message
        WHERE words @@ $1::tsquery AND ($2::text IS NULL OR room = $2) AND ($3::text IS NULL OR author_id = $3)
        AND ($4::bigint IS NULL OR seq < $4)
    ), places AS MATERIALIZED (
        SELECT DISTINCT room, split_part(room, ':', 1) AS kind, split_part(room, ':', 2) AS id FROM found
    ), readable AS (
        SELECT room, NULL::timestamptz AS since FROM places WHERE kind = 'program' AND ($7 OR EXISTS (
            SELECT FROM ({standing_in("places.id", "$5")}) AS standing WHERE mentor AND $6 OR student
        ))
        UNION ALL
        SELECT room, NULL FROM places WHERE kind = 'session' AND ($7 OR {readable_session("places.id", "$5", "$6")})
        UNION ALL
        SELECT room, seen_from FROM places
        JOIN chat_direct_member ON direct_id = places.id AND user_id = $5 WHERE kind = 'direct'
    )
    SELECT seq, version, found.room, thread FROM found JOIN readable ON readable.room = found.room
    WHERE since IS NULL OR at >= since ORDER BY seq DESC LIMIT $8
"""  # noqa: S608


class Search(msgspec.Struct, frozen=True):
    """What is searched for, in the words of `index.words`, and by whom."""

    words: tuple[str, ...]
    # Of which the message has one. Empty: any.
    scopes: tuple[str, ...]
    room: str | None
    author: str | None
    before: int | None
    reader: str
    may_teach: bool
    reads_all: bool
    limit: int

    @property
    def query(self) -> str:
        """As a `tsquery`. Words have letters, digits and pictures alone, and scopes no quotes either."""
        *whole, last = (f"'{word}'" for word in self.words)
        terms = [*whole, f"{last}:*"]
        if self.scopes:
            terms.append("(" + "|".join(f"'{scope}'" for scope in self.scopes) + ")")
        return "&".join(terms)


class Match(msgspec.Struct, frozen=True):
    """A message that was found. `version` is where the archive has it."""

    seq: int
    version: int
    room: str
    thread: int | None


class SearchRepository:
    """Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._direct = DirectRepository(database)

    async def direct_rooms(self, user: str) -> list[str]:
        """The ids of the direct rooms that the user is in."""
        return list(await self._direct.followed(user))

    async def run(self, search: Search) -> list[Match]:
        """The newest messages that match and that the reader may read now, the newest first."""
        rows = await self._database.fetch(
            SEARCH,
            search.query,
            search.room,
            search.author,
            search.before,
            search.reader,
            search.may_teach,
            search.reads_all,
            search.limit,
        )
        return [msgspec.convert(dict(row), Match) for row in rows]
