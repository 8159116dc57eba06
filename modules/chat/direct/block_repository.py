"""The rows of blocks: every statement, and what it gives.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.chat.direct.tables import BlockRow

# One user's blocks are made one after the other, so that they are counted.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('chat_block'), hashtext($1))"
COUNT: Final = "SELECT count(*) AS count FROM chat_block WHERE user_id = $1 AND blocked"
# No row when it is so already.
WRITE: Final = """
    INSERT INTO chat_block (user_id, blocked_id, blocked, at, rev) VALUES ($1, $2, $3, $4, 1)
    ON CONFLICT (user_id, blocked_id) DO UPDATE SET blocked = $3, at = $4, rev = chat_block.rev + 1
    WHERE chat_block.blocked <> $3
    RETURNING user_id, blocked_id, blocked, at, rev
"""
ONE: Final = "SELECT user_id, blocked_id, blocked, at, rev FROM chat_block WHERE user_id = $1 AND blocked_id = $2"
WITH: Final = """
    SELECT user_id, blocked_id FROM chat_block
    WHERE blocked AND (user_id = $1 AND blocked_id = ANY($2) OR blocked_id = $1 AND user_id = ANY($2))
"""
# Each half uses an index of its own.
AMONG: Final = """
    SELECT FROM chat_block WHERE blocked AND user_id = ANY($1) AND blocked_id = ANY($2)
    UNION ALL SELECT FROM chat_block WHERE blocked AND blocked_id = ANY($1) AND user_id = ANY($2) LIMIT 1
"""
NEWEST: Final = Sort("newest", (BlockRow.at, BlockRow.blocked_id), descending=True)


class BlockFound(msgspec.Struct, frozen=True):
    """The row of a block."""

    user_id: str
    blocked_id: str
    blocked: bool
    at: datetime
    rev: int


class BlockRepository:
    """Whom each user has blocked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, user: str) -> None:
        """The user blocks nobody else until the transaction ends."""
        await self._database.fetch(LOCK, user)

    async def count(self, user: str) -> int:
        (row,) = await self._database.fetch(COUNT, user)
        return int(row["count"])

    async def find(self, user: str, other: str) -> BlockFound | None:
        """The user's block of the other, in force or lifted."""
        for row in await self._database.fetch(ONE, user, other):
            return msgspec.convert(dict(row), BlockFound)
        return None

    async def write(self, user: str, other: str, at: datetime, *, blocked: bool) -> BlockFound | None:
        """Block the other, or lift the block; None when it is so already."""
        for row in await self._database.fetch(WRITE, user, other, blocked, at):
            return msgspec.convert(dict(row), BlockFound)
        return None

    async def between(self, user: str, others: Sequence[str]) -> tuple[set[str], set[str]]:
        """Those of the others whom the user has blocked, and those who have blocked the user."""
        rows = await self._database.fetch(WITH, user, list(others))
        blocked = {row["blocked_id"] for row in rows if row["user_id"] == user}
        return blocked, {row["user_id"] for row in rows if row["blocked_id"] == user}

    async def among(self, users: Sequence[str], others: Sequence[str]) -> bool:
        """Whether one of these users has blocked one of the others, or is blocked by them."""
        return bool(await self._database.fetch(AMONG, list(users), list(others)))

    async def page(self, user: str, span: Span) -> Page[BlockFound]:
        """Whom the user blocks now, the newest block first."""
        query = BlockRow.select().where((BlockRow.user_id == user) & BlockRow.blocked.eq(True))
        with self._database.guard():
            return await page_of(query, NEWEST, span, BlockFound)
