"""The rows of consents."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.batching import Batched
from gateway.contract import Database
from gateway.principal import Principal
from modules.live.room.repository import with_revision


class ConsentRow(msgspec.Struct, frozen=True):
    user_id: str
    name: str
    agreed: bool
    at: datetime


class DeclinedRow(msgspec.Struct, frozen=True):
    user_id: str
    name: str


class OwnConsent(msgspec.Struct, frozen=True):
    """Whether a session is to be recorded, and what a user has answered; None is no answer yet."""

    recording: bool
    agreed: bool | None


IS_RECORDED: Final = "SELECT recording FROM live_session WHERE id = $1"
ANSWER: Final = """
    INSERT INTO live_consent AS held (session_id, user_id, name, agreed, at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (session_id, user_id) DO UPDATE SET name = $3, agreed = $4, at = $5 WHERE held.agreed <> $4
    RETURNING true
"""
COUNT_AGREED: Final = "SELECT count(*) AS count FROM live_consent WHERE session_id = $1 AND agreed"
OWN: Final = """
    SELECT number, recording, (
        SELECT agreed FROM live_consent WHERE session_id = session.id AND user_id = asked.user_id
    ) AS agreed
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (session_id, user_id, number)
    JOIN live_session AS session ON session.id = asked.session_id
"""
DECLINED: Final = """
    SELECT part.rev, (SELECT count(*) FROM live_consent WHERE session_id = part.session_id AND agreed) AS agreed,
        consent.user_id, consent.name
    FROM live_part AS part
    LEFT JOIN live_consent AS consent ON consent.session_id = part.session_id AND NOT consent.agreed
    WHERE part.session_id = $1 AND part.part = 'consents' ORDER BY consent.user_id
"""
ANSWERS: Final = "SELECT user_id, name, agreed, at FROM live_consent WHERE session_id = $1 ORDER BY user_id"


class ConsentRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._own = Batched(self._own_of_many)

    async def is_recorded(self, session: str) -> bool:
        return bool((await self._database.fetch(IS_RECORDED, session))[0]["recording"])

    async def answer(self, session: str, user: Principal, agreed: bool, at: datetime) -> bool:
        """False when the user had answered the same before."""
        return bool(await self._database.fetch(ANSWER, session, user.id, user.name, agreed, at))

    async def count_agreed(self, session: str) -> int:
        return int((await self._database.fetch(COUNT_AGREED, session))[0]["count"])

    async def own(self, session: str, user: str) -> OwnConsent | None:
        """None when there is no such session. One statement for all who ask at the same moment. In no transaction."""
        return await self._own((session, user))

    async def _own_of_many(self, asked: list[tuple[str, str]]) -> list[OwnConsent | None]:
        sessions, users = zip(*asked, strict=True)
        found: list[OwnConsent | None] = [None] * len(asked)
        for row in await self._database.fetch(OWN, sessions, users):
            found[row["number"] - 1] = msgspec.convert(row, OwnConsent)
        return found

    async def declined(self, session: str) -> tuple[int, int, list[DeclinedRow]]:
        """The part's revision, how many agree, and who declined, by id."""
        rows = await self._database.fetch(DECLINED, session)
        rev, declined = with_revision(rows, DeclinedRow, "user_id")
        return rev, (rows[0]["agreed"] if rows else 0), declined

    async def answers(self, session: str) -> list[ConsentRow]:
        """Every answer, by the user's id."""
        return [msgspec.convert(row, ConsentRow) for row in await self._database.fetch(ANSWERS, session)]
