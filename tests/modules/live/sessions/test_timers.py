"""What the timers of a session do: lobbies, reminders, and the end of what nobody starts or ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected
from tests.modules.live.scheduling import at, create_program, create_session


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
    assert names == ["live.close", "live.remind", "live.remind"]
    assert (await mentor.post(f"{path}/cancel")).status_code == 200
    # Its lobby was open: who is there is told to go.
    assert [row["name"] for row in await database.fetch(timers, id)] == ["live.empty"]


async def test_what_nobody_starts_is_cancelled_and_what_nobody_ends_is_ended(caller: Caller, program: str) -> None:
    mentor = caller("meera", "mentor")
    missed, forgotten = [await create_session(mentor, program, -10, 2.5) for _ in range(2)]
    await becomes(mentor, forgotten, "lobby")
    assert (await mentor.post(f"{forgotten}/start")).status_code == 200
    await becomes(mentor, missed, "cancelled")
    await becomes(mentor, forgotten, "ended")
