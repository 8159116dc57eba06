"""The rows of programs: every statement, and what it gives."""

from __future__ import annotations

from typing import Final

import msgspec
from piccolo.columns.combination import Or, WhereRaw

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.programs.messages import ProgramView
from modules.programs.states import ProgramState
from modules.programs.tables import Program

COLUMNS: Final = ", ".join(ProgramView.__struct_fields__)
NEWEST: Final = Sort("newest", (Program.created_at, Program.id), descending=True)

# `program_words` is in `migrations/0025_search.sql`.
MATCHES: Final = "search @@ websearch_to_tsquery('english', program_words({}))"

ONE: Final = f"SELECT {COLUMNS} FROM program WHERE id = $1"  # noqa: S608
INSERT: Final = f"INSERT INTO program ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"  # noqa: S608
UPDATE: Final = """
    UPDATE program
    SET title = $2, summary = $3, co_mentors = $4, state = $5, price = $6, currency = $7, capacity = $8, rev = $9,
        -- Nothing that has a price is open to all.
        open_to_all = open_to_all AND $6::bigint = 0
    WHERE id = $1
"""


class ProgramRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: str) -> ProgramView | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> ProgramView | None:
        """The program. Nobody else changes it, its places or its curriculum until the transaction ends."""
        return await self._one(f"{ONE} FOR UPDATE", id)

    async def insert(self, new: ProgramView) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(new))

    async def update(self, changed: ProgramView) -> None:
        await self._database.fetch(
            UPDATE,
            changed.id,
            changed.title,
            changed.summary,
            changed.co_mentors,
            changed.state,
            changed.price,
            changed.currency,
            changed.capacity,
            changed.rev,
        )

    async def published(self, span: Span, q: str | None, free: bool | None, mentor: str | None) -> Page[ProgramView]:
        """Those in the catalogue, newest first; `q` is a web search of title and summary."""
        query = Program.select().where(Program.state == ProgramState.PUBLISHED.value)
        if q is not None:
            query = query.where(WhereRaw(MATCHES, q.replace("\0", " ")))
        if free is not None:
            query = query.where(Program.price == 0 if free else Program.price > 0)
        if mentor is not None:
            query = query.where(Program.mentor_id == mentor.replace("\0", " "))
        with self._database.guard():
            return await page_of(query, NEWEST, span, ProgramView)

    async def taught_by(self, mentor: str | None, span: Span) -> Page[ProgramView]:
        """Those of a mentor or co-mentor in every state, newest first; without one all there are."""
        query = Program.select()
        if mentor is not None:
            query = query.where(Or(Program.mentor_id == mentor, WhereRaw("co_mentors @> ARRAY[{}]::text[]", mentor)))
        with self._database.guard():
            return await page_of(query, NEWEST, span, ProgramView)

    async def _one(self, statement: str, id: str) -> ProgramView | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(row, ProgramView)
        return None
