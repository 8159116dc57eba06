"""The rows of bans, and of the audit of moderation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database
from gateway.identifier import new_id
from gateway.principal import Principal
from modules.live.room.moderation.messages import Action, Scope
from modules.live.room.repository import with_revision


class ModeratedSession(msgspec.Struct, frozen=True):
    """What moderation has to know of a session."""

    program_id: str
    mentor_id: str
    co_mentors: tuple[str, ...]
    visibility: Literal["program", "open"]


class BanRow(msgspec.Struct, frozen=True):
    """A ban. `sessions` are those whose rooms the user was taken out of."""

    session_id: str
    scope: Scope
    user_id: str
    program_id: str
    reason: str
    by_id: str
    by_name: str
    until: datetime | None
    sessions: list[str]


class AuditRow(msgspec.Struct, frozen=True):
    user_id: str
    action: Action
    detail: str
    reason: str
    by_id: str
    by_name: str
    until: datetime | None
    at: datetime


SESSION: Final = "SELECT program_id, mentor_id, co_mentors, visibility FROM live_session WHERE id = $1"
# Rooms that have members, or had. The ban's row keeps the user out of those that open later.
OPENED_SESSIONS: Final = """
    SELECT id FROM live_session WHERE program_id = $1 AND state <> 'cancelled' AND state <> 'scheduled'
"""
BAN: Final = """
    INSERT INTO live_ban (session_id, scope, user_id, program_id, reason, by_id, by_name, until, sessions)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (session_id, scope, user_id) DO UPDATE SET
        reason = $5, by_id = $6, by_name = $7, until = $8, sessions = $9
    RETURNING *
"""
BANNED_IN: Final = """
    SELECT session_id FROM live_ban WHERE scope = $2 AND user_id = $3 AND ($2 = 'program' OR session_id = $1)
    AND program_id = $4 ORDER BY session_id
"""
LIFT: Final = "DELETE FROM live_ban WHERE session_id = $1 AND scope = $2 AND user_id = $3 RETURNING *"
PROGRAM_BAN: Final = """
    SELECT bool_or(until IS NULL) AS endless, max(until) AS until FROM live_ban
    WHERE scope = 'program' AND program_id = $1 AND user_id = $2
"""
BANS: Final = """
    SELECT part.rev, ban.* FROM live_part AS part LEFT JOIN live_ban AS ban ON ban.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = 'bans' ORDER BY ban.user_id, ban.scope
"""
NOTE: Final = """
    INSERT INTO live_moderation (id, session_id, user_id, action, detail, reason, by_id, by_name, until, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
AUDIT: Final = "SELECT * FROM live_moderation WHERE session_id = $1 ORDER BY at DESC, id DESC LIMIT 500"


class ModerationRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, id: str) -> ModeratedSession | None:
        for row in await self._database.fetch(SESSION, id):
            return msgspec.convert(row, ModeratedSession)
        return None

    async def opened_sessions(self, program: str) -> list[str]:
        """The program's sessions in whose rooms a user may be."""
        return [row["id"] for row in await self._database.fetch(OPENED_SESSIONS, program)]

    async def ban(
        self,
        session: str,
        scope: Scope,
        user: str,
        program: str,
        reason: str,
        by: Principal,
        until: datetime | None,
        sessions: Sequence[str],
    ) -> BanRow:
        """Write a ban, in place of an earlier one that the same session has of this scope and user."""
        arguments = (session, scope, user, program, reason, by.id, by.name, until, sessions)
        return msgspec.convert((await self._database.fetch(BAN, *arguments))[0], BanRow)

    async def banned_in(self, session: str, scope: Scope, user: str, program: str) -> list[str]:
        """The sessions whose bans of this scope keep the user out: with `program`, those of all its sessions."""
        return [row["session_id"] for row in await self._database.fetch(BANNED_IN, session, scope, user, program)]

    async def lift(self, session: str, scope: Scope, user: str) -> BanRow | None:
        for row in await self._database.fetch(LIFT, session, scope, user):
            return msgspec.convert(row, BanRow)
        return None

    async def program_ban_end(self, program: str, user: str) -> datetime | None:
        """When the last of the user's bans from the program ends; None when one has no end."""
        (row,) = await self._database.fetch(PROGRAM_BAN, program, user)
        return None if row["endless"] else msgspec.convert(row["until"], datetime | None)

    async def bans(self, session: str) -> tuple[int, list[BanRow]]:
        """The part's revision, and the session's bans by user and scope."""
        return with_revision(await self._database.fetch(BANS, session), BanRow, "user_id")

    async def note(
        self,
        session: str,
        user: str,
        action: Action,
        detail: str,
        reason: str,
        by: Principal,
        until: datetime | None,
        at: datetime,
    ) -> None:
        """Write into the audit what a host did. Nothing there is ever changed."""
        await self._database.fetch(NOTE, new_id(), session, user, action, detail, reason, by.id, by.name, until, at)

    async def audit(self, session: str) -> list[AuditRow]:
        """The newest 500 entries, the newest first."""
        return [msgspec.convert(row, AuditRow) for row in await self._database.fetch(AUDIT, session)]
