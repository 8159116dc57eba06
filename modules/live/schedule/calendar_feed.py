"""Calendar feeds: a user's sessions, at an address that only its owner knows.

A calendar program sends no token, so the address holds a secret. The gateway keeps the secret's hash only: it shows
the address once, when it makes it. A new address ends the one before.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database
from gateway.errors import not_found
from modules.accounts.facade import role_of
from modules.live.schedule.ics import document
from modules.live.schedule.repository import CalendarRepository
from modules.live.settings import LiveSettings
from modules.programs.facade import programs_of

NAME: Final = "KSMP"


class CalendarFeeds:
    """The calendar feeds of users."""

    def __init__(self, database: Database, settings: LiveSettings) -> None:
        self._database = database
        self._settings = settings
        self._rows = CalendarRepository(database)

    async def create(self, user_id: str) -> str:
        """A new secret for the user's feed, which ends the one before; raises Unavailable."""
        secret = secrets.token_urlsafe(32)
        await self._rows.set_secret(user_id, _hash(secret), clock.now())
        return secret

    async def end(self, user_id: str) -> None:
        """Take the user's feed away; raises Unavailable."""
        await self._rows.delete(user_id)

    async def read(self, secret: str) -> bytes:
        """The sessions that the secret's owner teaches or takes part in, as iCalendar.

        Raises BadInput `not_found`, also when the owner is blocked or deleted, and Unavailable.
        """
        user = await self._rows.owner(_hash(secret))
        role = None if user is None else await role_of(self._database, user)
        if user is None or role is None:
            raise not_found("there is no such calendar")
        now = clock.now()
        sessions = await self._rows.sessions(
            user if role.may_teach else None,
            await programs_of(self._database, user, role),
            ends_after=now - timedelta(seconds=self._settings.calendar_past),
            starts_before=now + timedelta(seconds=self._settings.ahead),
            most=self._settings.calendar_most,
        )
        # The library takes long for many sessions, and would hold the event loop.
        return await asyncio.to_thread(document, NAME, sessions)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
