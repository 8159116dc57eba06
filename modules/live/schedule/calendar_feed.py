"""A user's sessions as a calendar feed, at an address that only its owner knows.

A calendar program sends no token, so the address is the secret. Only its hash is kept: the address is shown once, when
it is made, and making another ends the one before.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from modules.accounts.facade import kept_out
from modules.live.messages import SessionView
from modules.live.schedule.icalendar import calendar
from modules.live.sessions.repository import COLUMNS
from modules.live.settings import LiveSettings
from modules.live.tables import Calendar, Session
from modules.programs.facade import programs_of

NAME: Final = "KSMP"
SET: Final = """
    INSERT INTO live_calendar (user_id, secret_hash, created_at) VALUES ({}, {}, {})
    ON CONFLICT (user_id) DO UPDATE SET secret_hash = EXCLUDED.secret_hash, created_at = EXCLUDED.created_at
"""
WHOSE: Final = "SELECT user_id FROM live_calendar WHERE secret_hash = {}"
END: Final = "DELETE FROM live_calendar WHERE user_id = {}"
THEIRS: Final = f"""
    SELECT {COLUMNS} FROM live_session
    WHERE (program_id = ANY({{}}) OR mentor_id = {{}} OR co_mentors @> ARRAY[{{}}]::text[])
    AND ends_at > {{}} AND starts_at < {{}} ORDER BY starts_at, id LIMIT {{}}
"""  # noqa: S608


class Calendars:
    """The calendar feeds of users."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._kernel = kernel
        self._settings = settings

    async def create(self, user_id: str) -> str:
        """A new secret for the user's feed, which ends the one before; raises Unavailable."""
        secret = secrets.token_urlsafe(32)
        with self._kernel.database.guard():
            await Calendar.raw(SET, user_id, _hash(secret), clock.now())
        return secret

    async def end(self, user_id: str) -> None:
        """The user has no feed any more; raises Unavailable."""
        with self._kernel.database.guard():
            await Calendar.raw(END, user_id)

    async def read(self, secret: str) -> bytes:
        """The sessions that the secret's owner teaches or takes part in.

        Raises BadInput `not_found`, also for who is blocked or deleted, and Unavailable.
        """
        with self._kernel.database.guard():
            rows = await Calendar.raw(WHOSE, _hash(secret))
            if not rows or await kept_out(self._kernel.database, rows[0]["user_id"]):
                raise not_found("there is no such calendar")
            user_id: str = rows[0]["user_id"]
            sessions = await self._sessions(user_id, await programs_of(self._kernel.database, user_id))
        return calendar(NAME, sessions)

    async def _sessions(self, user_id: str, programs: list[str]) -> list[SessionView]:
        now = clock.now()
        since = now - timedelta(seconds=self._settings.calendar_past)
        until = now + timedelta(seconds=self._settings.ahead)
        rows: list[dict[str, Any]] = await Session.raw(
            THEIRS, programs, user_id, user_id, since, until, self._settings.calendar_most
        )
        return [msgspec.convert(row, SessionView) for row in rows]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
