"""Seats of sessions with a capacity."""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected
from tests.modules.live.scheduling import created, entered

ANY = {"If-Match": "*"}


async def test_seats_are_taken_once_and_free_again_when_their_holder_has_left(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", "start", visibility="open", capacity=3)
    room = f"session:{path.rsplit('/', 1)[1]}"
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(node.ws_url, token(f"guest-{n}"))) for n in range(8)]
        results = await asyncio.gather(*(client.join(room) for client in clients), return_exceptions=True)
        inside = [client for client, result in zip(clients, results, strict=True) if isinstance(result, dict)]
        outside = [client for client in clients if client not in inside]
        assert len(inside) == 3
        assert {result.code for result in results if isinstance(result, WireError)} == {"live.full"}
        # Hosts need none.
        async with connected(node.ws_url, token("meera", "mentor")) as host:
            await host.join(room)
        # Longer in the room than a seat is kept.
        await asyncio.sleep(3)
        assert await entered(outside[0], room) == "live.full"
        await inside[0].call("leave", room=room)
        assert await entered(outside[0], room) == "live.full"
        async with asyncio.timeout(20):
            while await entered(outside[0], room) == "live.full":
                await asyncio.sleep(0.2)
        assert await entered(outside[0], room) == "in"
        assert [await entered(client, room) for client in (outside[1], inside[0])] == ["live.full"] * 2
        # As many as it may be may be too few; nobody has to go.
        assert (await mentor.patch(path, json={"capacity": 4}, headers=ANY)).status_code == 200
        async with asyncio.timeout(20):
            while await entered(outside[1], room) == "live.full":
                await asyncio.sleep(0.2)
        assert [await entered(client, room) for client in (*inside[1:], outside[0])] == ["in"] * 3


async def test_a_viewer_who_came_before_seats_were_counted_has_one(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", "start", visibility="open")
    room = f"session:{path.rsplit('/', 1)[1]}"
    async with AsyncExitStack() as stack:
        one, two, host = [
            await stack.enter_async_context(connected(node.ws_url, token(name))) for name in ("a", "b", "meera")
        ]
        assert [await entered(client, room) for client in (one, host)] == ["in"] * 2
        await asyncio.sleep(1.5)
        assert (await mentor.patch(path, json={"capacity": 1}, headers=ANY)).status_code == 200
        assert [await entered(client, room) for client in (two, one)] == ["live.full", "in"]


async def test_no_more_than_there_are_seats_come_in_on_several_gateways(
    gateway: MakeGateway, caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    """At once and again and again; who was on a gateway that was killed finds their seat for a while."""
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", "start", visibility="open", capacity=10)
    id = path.rsplit("/", 1)[1]
    room = f"session:{id}"
    environ = {"KSMP_LIVE_SEAT_GRACE": "4", "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.2"}
    lazy = environ | {"KSMP_LIVE_FULL_PAUSE": "3600"}
    # Nobody comes in on a grant of before.
    async with (
        gateway(environ=environ, grant_fresh=0.0, command_burst=10_000) as a,
        gateway(environ=lazy, grant_fresh=0.0, command_burst=10_000) as b,
        AsyncExitStack() as stack,
    ):
        # As a gateway left them that was killed: in the room for long, and seen a moment ago.
        await database.execute("INSERT INTO live_node VALUES ($1, now())", f"killed-{id}")
        for name in ("lost", "found"):
            await database.execute(
                "INSERT INTO live_stay VALUES ($1, $2, $3, now() - interval '1 hour', NULL, 'N', false)",
                id,
                f"{name}-{id}",
                f"killed-{id}",
            )
            await database.execute(
                "INSERT INTO live_seat VALUES ($1, $2, now() - interval '1 hour')", id, f"{name}-{id}"
            )
        users = [f"{n}-{id}" for n in range(30)]
        clients = [
            await stack.enter_async_context(connected((a, b)[n % 2].ws_url, token(name)))
            for n, name in enumerate(users)
        ]
        found = await stack.enter_async_context(connected(b.ws_url, token(f"found-{id}")))
        results = await asyncio.gather(*(entered(client, room) for client in clients))
        assert sorted(results) == ["in"] * 8 + ["live.full"] * 22
        assert await entered(found, room) == "in"
        waiting = [client for client, result in zip(clients, results, strict=True) if result == "live.full"]
        async with asyncio.timeout(30):
            while True:
                results = await asyncio.gather(*(entered(client, room) for client in waiting))
                if "in" in results:
                    break
                await asyncio.sleep(0.1)
        # The one that was lost is the only one whose seat is free again.
        assert sorted(results) == ["in"] + ["live.full"] * 21
        host = await stack.enter_async_context(connected(b.ws_url, token("meera", "mentor")))
        async with asyncio.timeout(20):
            # Who came in at this moment on the other gateway is heard of a moment later.
            while (count := (await host.join(room))["members"]) != 11:
                assert count < 11
                await asyncio.sleep(0.2)
        # It was full a moment ago: who comes again is refused without another look, whatever has changed.
        assert (await mentor.patch(path, json={"capacity": 50}, headers=ANY)).status_code == 200
        out = [one for one, result in zip(waiting, results, strict=True) if result == "live.full"]
        on_a, on_b = [next(one for one in out if clients.index(one) % 2 == place) for place in (0, 1)]
        async with asyncio.timeout(20):
            while await entered(on_a, room) == "live.full":
                await asyncio.sleep(0.2)
        assert [await entered(client, room) for client in (on_b, found)] == ["live.full", "in"]


@pytest.mark.parametrize("seed", range(40))
async def test_seats_given_together_are_those_of_one_by_one(database: asyncpg.Pool, node: Running, seed: int) -> None:
    """Against the rule itself: a place that nobody keeps, while all stale seats are kept, and then without them."""
    chance = random.Random(seed)
    session, now = uuid.uuid4().hex, datetime.now(UTC)
    since = now - timedelta(seconds=60)
    people = [f"u{number}" for number in range(8)]
    kept = {user for user in people if chance.random() < 0.3}
    stale = {user for user in people if user not in kept and chance.random() < 0.3}
    seen = {user for user in kept if chance.random() < 0.5}
    places = chance.choice([None, *range(1, 9)])
    starts = now + timedelta(hours=1)
    await database.execute(
        "INSERT INTO live_session (id, program_id, title, mentor_id, state, starts_at, ends_at, capacity)"
        " VALUES ($1, 'p', 'T', 'm', 'live', $2, $2, $3)",
        session, starts, places,
    )  # fmt: skip
    for user in kept - seen:
        await database.execute("INSERT INTO live_seat VALUES ($1, $2, $3)", session, user, now)
    for user in seen:
        await database.execute(
            "INSERT INTO live_stay VALUES ($1, $2, 'n', $3, $4, 'N', false)", session, user, since, now
        )
    for user in stale:
        await database.execute("INSERT INTO live_seat VALUES ($1, $2, $3)", session, user, since)
    askers = chance.sample([*people, "new", "newer"], chance.randint(1, 5))
    there = None if chance.random() < 0.5 else [user for user in people if chance.random() < 0.5]

    if there is not None:
        stale &= {*there, *askers}
    expected = {}
    for user in askers:
        if user in kept or places is None or len(kept) + len(stale - {user}) < places:
            kept.add(user)
            stale.discard(user)
            expected[user] = "given"
        else:
            expected[user] = "stale" if len(kept) < places else "full"
    rows = await database.fetch(
        "SELECT asker, outcome FROM live_take_seats($1, $2, $3, $4, $5)", session, askers, now, since, there
    )
    assert dict(rows) == expected
    held = await database.fetch("SELECT user_id, taken_at FROM live_seat WHERE session_id = $1", session)
    given = {user for user, outcome in expected.items() if outcome == "given"}
    assert {row["user_id"] for row in held} == (kept - seen) | stale | given
    assert {row["user_id"] for row in held if row["taken_at"] == now} == (kept - seen) | given


async def test_who_joins_over_rest_and_then_by_websocket_takes_a_seat_once(
    gateway: MakeGateway, caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    path = await created(caller("meera", "mentor"), program, "open", "start", visibility="open", capacity=3)
    id = path.rsplit("/", 1)[1]

    async def seat() -> datetime:
        taken: datetime = await database.fetchval("SELECT taken_at FROM live_seat WHERE session_id = $1", id)
        return taken

    async with gateway(grant_fresh=0.0) as running, connected(running.ws_url, token("a")) as client:
        async with httpx.AsyncClient(base_url=running.url) as http:
            joined = await http.post(f"{path}/join", headers={"Authorization": f"Bearer {token('a')}"})
        assert joined.status_code == 200
        taken = await seat()
        await client.join(f"session:{id}")
        assert await seat() == taken
        # Attendance has not seen the user since, as after a killed gateway.
        await database.execute("UPDATE live_seat SET taken_at = now() - interval '16 s' WHERE session_id = $1", id)
        await client.join(f"session:{id}")
        assert await seat() > taken
