"""The rows of boards: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from piccolo.columns.combination import WhereRaw

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal
from modules.analytics.boards.messages import Board, Sharing, Widget
from modules.analytics.boards.tables import BoardRow

NEWEST: Final = Sort("newest", (BoardRow.id,), descending=True)
COLUMNS: Final = "id, owner_id, title, widgets, roles, programs, users, created_at, changed_at, rev"

ONE: Final = f"SELECT {COLUMNS} FROM analytics_board WHERE id = $1"  # noqa: S608
# Two that are made at the same time wait for each other, so that no limit is passed.
LOCK_OWNER: Final = "SELECT pg_advisory_xact_lock(hashtextextended('analytics_board ' || $1, 0))"
COUNT: Final = "SELECT count(*) AS count FROM analytics_board WHERE owner_id = $1"
INSERT: Final = f"""
    INSERT INTO analytics_board ({COLUMNS}) VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8, $9, $10)
"""  # noqa: S608
UPDATE: Final = """
    UPDATE analytics_board
    SET title = $2, widgets = $3::text::jsonb, roles = $4, programs = $5, users = $6, changed_at = $7, rev = $8
    WHERE id = $1
"""
DELETE: Final = "DELETE FROM analytics_board WHERE id = $1"
# Each part uses an index.
READABLE: Final = """
    (owner_id = {} OR roles @> ARRAY[{}]::text[] OR users @> ARRAY[{}]::text[] OR programs && {}::text[])
"""


class Reader(msgspec.Struct, frozen=True):
    """Who reads, and the programs in which they take part."""

    id: str
    role: str
    programs: Sequence[str]

    @classmethod
    def of(cls, principal: Principal, programs: Sequence[str]) -> Reader:
        return cls(principal.id, principal.role.value, programs)


class StoredBoard(msgspec.Struct, frozen=True):
    """The columns of a row."""

    id: UUID
    owner_id: str
    title: str
    widgets: str
    roles: list[str]
    programs: list[str]
    users: list[str]
    created_at: datetime
    changed_at: datetime
    rev: int

    def board(self) -> Board:
        return Board(
            id=self.id,
            owner_id=self.owner_id,
            title=self.title,
            widgets=msgspec.json.decode(self.widgets, type=list[Widget]),
            sharing=msgspec.convert(
                {"roles": self.roles, "programs": self.programs, "users": self.users}, Sharing, strict=False
            ),
            created_at=self.created_at,
            changed_at=self.changed_at,
            rev=self.rev,
        )


class BoardRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID, reader: Reader) -> Board | None:
        """The board, if this reader may open it."""
        readable = READABLE.format("$2", "$3", "$2", "$4")
        return await self._one(f"{ONE} AND {readable}", id, reader.id, reader.role, list(reader.programs))

    async def lock(self, id: UUID) -> Board | None:
        """The board. Nobody else changes it until the transaction ends."""
        return await self._one(f"{ONE} FOR NO KEY UPDATE", id)

    async def page(self, span: Span, reader: Reader) -> Page[Board]:
        """The boards that this reader may open."""
        allowed = WhereRaw(READABLE, reader.id, reader.role, reader.id, list(reader.programs))
        with self._database.guard():
            page = await page_of(BoardRow.select().where(allowed), NEWEST, span, StoredBoard)
        return Page([stored.board() for stored in page.items], page.next)

    async def lock_owner(self, owner: str) -> int:
        """How many boards a user has. They make no other one until the transaction ends."""
        await self._database.fetch(LOCK_OWNER, owner)
        return int((await self._database.fetch(COUNT, owner))[0]["count"])

    async def insert(self, new: Board) -> None:
        await self._database.fetch(
            INSERT, new.id, new.owner_id, *_contents(new), new.created_at, new.changed_at, new.rev
        )

    async def update(self, changed: Board) -> None:
        await self._database.fetch(UPDATE, changed.id, *_contents(changed), changed.changed_at, changed.rev)

    async def delete(self, id: UUID) -> None:
        await self._database.fetch(DELETE, id)

    async def _one(self, statement: str, *arguments: Any) -> Board | None:
        for row in await self._database.fetch(statement, *arguments):
            return _stored(row).board()
        return None


def _stored(row: Mapping[str, Any]) -> StoredBoard:
    return msgspec.convert(dict(row), StoredBoard)


def _contents(board: Board) -> tuple[Any, ...]:
    sharing = board.sharing
    widgets = msgspec.json.encode(board.widgets).decode()
    return board.title, widgets, [role.value for role in sharing.roles], sharing.programs, sharing.users
