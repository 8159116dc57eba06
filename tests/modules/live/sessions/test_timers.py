"""What the timers of a session do: lobbies, reminders, and the end of what nobody starts or ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import connected
from tests.modules.live.scheduling import ANY, at, create_program, create_session


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {
        "KSMP_LIVE_LOBBY_BEFORE": "3600",
        "KSMP_LIVE_REMIND_BEFORE": "86400,3598",
        "KSMP_LIVE_MISSED_AFTER": "0",
        "KSMP_LIVE_OVERRUN": "1",
    }
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid-<id>` is enrolled."""
    return await create_program(database)


async def becomes(client: httpx.AsyncClient, path: str, state: str) -> None:
    async with asyncio.timeout(20):
        while (await client.get(path)).json()["state"] != state:
            await asyncio.sleep(0.1)


async def test_a_lobby_opens_and_a_program_is_reminded_by_itself(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    async with connected(node.ws_url, token(f"enid-{program}")) as enid:
        await enid.join(f"program:{program}")
        path = await create_session(mentor, program, 3600, 7200)
        id = path.rsplit("/", 1)[1]
        await becomes(mentor, path, "lobby")
        push = await enid.expect_push("live.reminder", f"program:{program}")
        assert {key: push["data"][key] for key in ("session_id", "title", "ahead")} == {
            "session_id": id,
            "title": "Roots",
            "ahead": 3598,
        }
    # Moved, it is reminded of anew, and closes after its new end; over, it has no timers.
    moved = {"starts_at": at(200_000), "ends_at": at(203_600)}
    assert (await mentor.patch(path, json=moved, headers={"If-Match": "*"})).status_code == 200
    timers = "SELECT name FROM timer WHERE starts_with(key, $1) ORDER BY name"
    later = await create_session(mentor, program, 200_000, 203_600)
    waits = [row["name"] for row in await database.fetch(timers, later.rsplit("/", 1)[1])]
    assert waits == ["live.close", "live.open_lobby", "live.remind", "live.remind"]
    names = [row["name"] for row in await database.fetch(timers, id)]
    assert [name for name in names if name != "live.empty"] == waits
    assert (await mentor.post(f"{path}/cancel")).status_code == 200
    names = [row["name"] for row in await database.fetch(timers, id)]
    assert [name for name in names if name != "live.empty"] == []


async def test_a_reminder_that_is_due_when_the_lobby_opens_is_sent(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")

    async def none_waits(id: str) -> bool:
        waits = "SELECT FROM timer WHERE name = 'live.remind' AND starts_with(key, $1)"
        return not await database.fetch(waits, id)

    async with connected(node.ws_url, token(f"enid-{program}")) as enid:
        await enid.join(f"program:{program}")
        for late in (0, 600):
            # It is opened by hand at the moment of its reminder, or a while after: the platform was away.
            path = await create_session(mentor, program, 90_000, 93_600)
            id = path.rsplit("/", 1)[1]
            passed = timedelta(seconds=90_000 - 3598 + late)
            for table, columns in (("timer", ("at",)), ("live_session", ("starts_at", "ends_at", "created_at"))):
                key = "starts_with(key, $1)" if table == "timer" else "id = $1"
                values = ", ".join(f"{column} = {column} - $2::interval" for column in columns)
                await database.execute(f"UPDATE {table} SET {values} WHERE {key}", id, passed)
            assert (await mentor.post(f"{path}/open")).status_code == 200
            push = await enid.expect_push("live.reminder", f"program:{program}")
            assert (push["data"]["session_id"], push["data"]["ahead"]) == (id, 3598)
            # A change of its times says nothing again, unless the moment of the reminder is later by it.
            assert (await mentor.patch(path, json={"ends_at": at(7200)}, headers=ANY)).status_code == 200
            # The one of the day before, which is late too, is done with by itself.
            await eventually(partial(none_waits, id), "no reminder waits")
        assert len(enid.pushes("live.reminder")) == 2


async def test_what_nobody_starts_is_cancelled_and_what_nobody_ends_is_ended(caller: Caller, program: str) -> None:
    mentor = caller("meera", "mentor")
    missed, forgotten = [await create_session(mentor, program, -10, 2.5) for _ in range(2)]
    await becomes(mentor, forgotten, "lobby")
    assert (await mentor.post(f"{forgotten}/start")).status_code == 200
    await becomes(mentor, missed, "cancelled")
    await becomes(mentor, forgotten, "ended")
