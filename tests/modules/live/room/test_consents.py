"""What users answered to being recorded, read for many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.db.database import PostgresDatabase
from ksmp_testkit import CreateSession
from modules.live.room.consents.repository import ConsentRepository, OwnConsent


@pytest.fixture
async def consents(postgres: str) -> AsyncIterator[ConsentRepository]:
    made = PostgresDatabase(postgres, pool=2, timeout=5.0)
    await made.start()
    yield ConsentRepository(made)
    await made.stop()


async def test_each_who_asks_is_given_their_own_answer_also_beside_a_session_that_is_gone(
    consents: ConsentRepository, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    session = await create_session()
    for user, agreed in (("ann", True), ("bob", False)):
        await database.execute(
            "INSERT INTO live_consent (session_id, user_id, name, agreed, at) VALUES ($1, $2, $2, $3, now())",
            session,
            user,
            agreed,
        )
    asked = [("gone", "cem"), (session, "ann"), ("gone", "ann"), (session, "bob"), (session, "cem"), ("gone", "bob")]
    answers = await asyncio.wait_for(asyncio.gather(*(consents.own(*one) for one in asked)), 10)
    assert answers == [
        None,
        OwnConsent(False, True),
        None,
        OwnConsent(False, False),
        OwnConsent(False, None),
        None,
    ]
