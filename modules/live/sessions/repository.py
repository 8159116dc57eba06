"""The rows of sessions: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from piccolo.columns.combination import WhereRaw

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.live.messages import SessionView
from modules.live.states import SessionState
from modules.live.tables import Session

FIELDS: Final = SessionView.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
SESSION_BY_ID: Final = f"SELECT {COLUMNS} FROM live_session WHERE id = $1"  # noqa: S608
INSERT: Final = f"INSERT INTO live_session ({COLUMNS}) VALUES ({', '.join(f'${n + 1}' for n in range(len(FIELDS)))})"  # noqa: S608
EXISTS: Final = "SELECT FROM live_session WHERE id = $1"
# Speakers and co-hosts from before recording was turned on, who have not agreed to it.
DEMOTE_WITHOUT_CONSENT: Final = """
    DELETE FROM live_promotion WHERE session_id = $1 AND NOT EXISTS (
        SELECT FROM live_consent WHERE session_id = live_promotion.session_id
        AND user_id = live_promotion.user_id AND agreed
    ) RETURNING user_id
"""
REMINDED_AT: Final = "SELECT reminded_at FROM live_session WHERE id = $1"
SET_REMINDED_AT: Final = "UPDATE live_session SET reminded_at = $2 WHERE id = $1"
BY_START: Final = Sort("agenda", (Session.starts_at, Session.id))
CO_MENTOR: Final = "co_mentors @> ARRAY[{}]::text[]"
TAUGHT: Final = f"(mentor_id = {{}} OR {CO_MENTOR})"
SEEN: Final = f"(visibility = 'open' OR program_id = ANY({{}}) OR mentor_id = {{}} OR {CO_MENTOR})"


class Agenda(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions a list asks for."""

    program: str | None = None
    series: str | None = None
    state: SessionState | None = None
    since: datetime | None = None
    until: datetime | None = None
    teaching: bool = False


class SessionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: str) -> SessionView | None:
        return await self._first(SESSION_BY_ID, id)

    async def lock(self, id: str) -> SessionView | None:
        """The session, whose row nobody else changes until the transaction ends."""
        return await self._first(f"{SESSION_BY_ID} FOR UPDATE", id)

    async def lock_unless_locked(self, id: str) -> SessionView | None:
        """The same, without waiting: None also for a row that somebody else has locked."""
        return await self._first(f"{SESSION_BY_ID} FOR UPDATE SKIP LOCKED", id)

    async def exists(self, id: str) -> bool:
        return bool(await self._database.fetch(EXISTS, id))

    async def insert(self, session: SessionView) -> None:
        await self._database.fetch(INSERT, *(getattr(session, field) for field in FIELDS))

    async def update(self, id: str, values: Mapping[str, Any]) -> None:
        """Write these fields of the session; raises ValueError for a field that a session does not have."""
        if unknown := values.keys() - set(FIELDS):
            raise ValueError(f"a session has no {', '.join(sorted(unknown))}")
        changes = ", ".join(f"{field} = ${number}" for number, field in enumerate(values, 2))
        await self._database.fetch(f"UPDATE live_session SET {changes} WHERE id = $1", id, *values.values())  # noqa: S608

    async def reminded_at(self, id: str) -> datetime | None:
        """Up to when the session's reminders are done with; None means since it was made."""
        for row in await self._database.fetch(REMINDED_AT, id):
            at: datetime | None = row["reminded_at"]
            return at
        return None

    async def set_reminded_at(self, id: str, at: datetime) -> None:
        await self._database.fetch(SET_REMINDED_AT, id, at)

    async def demote_without_consent(self, id: str) -> list[str]:
        """Make viewers of speakers and co-hosts who have not agreed to be recorded; returns their ids."""
        return [row["user_id"] for row in await self._database.fetch(DEMOTE_WITHOUT_CONSENT, id)]

    async def page_of_teacher(self, teacher: str | None, agenda: Agenda, span: Span) -> Page[SessionView]:
        """The sessions that this user teaches, by their beginning; none without a `teacher`."""
        return await self._page([WhereRaw(TAUGHT, teacher, teacher)], agenda, span)

    async def page_of_user(
        self, teacher: str | None, programs: Sequence[str], agenda: Agenda, span: Span
    ) -> Page[SessionView]:
        """The sessions that a user of these programs may see, by their beginning; a `teacher` also sees their own."""
        return await self._page([WhereRaw(SEEN, list(programs), teacher, teacher)], agenda, span)

    async def page_of_all(self, agenda: Agenda, span: Span) -> Page[SessionView]:
        """All sessions, by their beginning."""
        return await self._page([], agenda, span)

    async def _page(self, filters: list[Any], agenda: Agenda, span: Span) -> Page[SessionView]:
        if agenda.program is not None:
            filters.append(Session.program_id == agenda.program)
        if agenda.series is not None:
            filters.append(Session.series_id == agenda.series)
        if agenda.state is not None:
            filters.append(Session.state == agenda.state.value)
        if agenda.since is not None:
            filters.append(Session.ends_at > agenda.since)
        if agenda.until is not None:
            filters.append(Session.starts_at < agenda.until)
        query = Session.select()
        for one in filters:
            query = query.where(one)
        with self._database.guard():
            return await page_of(query, BY_START, span, SessionView)

    async def _first(self, statement: str, id: str) -> SessionView | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(row, SessionView)
        return None
