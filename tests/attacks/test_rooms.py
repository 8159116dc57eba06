"""Many rooms: 128 full ones at once, and a thousand of one user."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid

import asyncpg
import pytest

from ksmp_testkit import MakeToken
from ksmp_testkit.socket_client import WireClient, connected
from tests.peer import Peer
from tests.target import MIB, Target

from .conftest import MakePair, MakeTarget

# The server joins a student to three by itself.
ALLOWED = 128 - 3


@pytest.fixture
async def rooms(database: asyncpg.Pool) -> list[str]:
    """A thousand sessions of a program that lets everyone in."""
    program = f"p-{uuid.uuid4().hex}"
    await database.execute(
        "INSERT INTO program (id, title, mentor_id, open_to_all) VALUES ($1, 'A program', 'mentor', true)", program
    )
    ids = [uuid.uuid4().hex for _ in range(1000)]
    await database.executemany(
        "INSERT INTO live_session (id, program_id, title, mentor_id) VALUES ($1, $2, 'A class', 'mentor')",
        [(id, program) for id in ids],
    )
    return [f"session:{id}" for id in ids]


async def test_128_full_rooms_are_resumed_without_a_4001_loop(
    make_target: MakeTarget, token: MakeToken, rooms: list[str], beside: MakePair
) -> None:
    chosen = rooms[:ALLOWED]
    said: dict[str, list[int]] = {}

    async def fill(writer: WireClient, room: str) -> dict[str, object]:
        joined = await writer.join(room)
        said[room] = [(await writer.say(room, "x" * 3000))["seq"] for _ in range(8)]
        await writer.call("leave", room=room)
        return {"epoch": joined["epoch"], "seq": joined["seq"]}

    async with (
        make_target(command_rate=10_000.0, command_burst=10_000) as target,
        beside(target),
    ):
        async with connected(target.ws_url, token("writer")) as writer:
            since = {}
            for start in range(0, ALLOWED, 50):
                some = chosen[start : start + 50]
                since.update(zip(some, await asyncio.gather(*(fill(writer, room) for room in some)), strict=True))
        # Three times what one connection may leave unread.
        before = target.memory()
        for attempt in range(3):
            async with connected(target.ws_url, token("returner"), rooms=since, compression=None) as client:
                answers = client.received[0]["ok"]["rooms"]
                deferred = [room for room in chosen if answers[room].get("deferred")]
                assert deferred
                assert len(deferred) < ALLOWED
                # As many at once as may be in flight, which is what a client does that knows no better.
                results = []
                for start in range(0, len(deferred), 60):
                    some = deferred[start : start + 60]
                    ids = [await client.send("join", room=room, since=since[room]) for room in some]
                    results += [await client.reply(id, timeout=30.0) for id in ids]
                assert all(result["recovered"] for result in results)
                served = {**answers, **dict(zip(deferred, results, strict=True))}
                for room in chosen:
                    assert served[room]["recovered"] is True, room
                    assert [push["seq"] for push in served[room]["messages"]] == said[room]
                assert (await client.call("ping"))["server_time"] > 0, attempt
        assert target.memory() < before + 100 * MIB


async def test_a_thousand_rooms_of_one_user(
    make_target: MakeTarget, token: MakeToken, rooms: list[str], beside: MakePair
) -> None:
    since = {"epoch": "none", "seq": 0}

    def attack(target: Target, stack: contextlib.ExitStack, number: int) -> dict[str, object]:
        peer = stack.enter_context(Peer(target.port))
        mine = rooms[number * ALLOWED : (number + 1) * ALLOWED + 5]
        return {**peer.signed_in(token("everywhere"), rooms=dict.fromkeys(mine, since))["rooms"]}

    # A hundred rooms that nobody was in take their time to open.
    async with make_target(connect_timeout=10.0) as target, beside(target):
        before = target.memory()
        with contextlib.ExitStack() as stack:
            for number in range(8):
                began = time.perf_counter()
                answers = await asyncio.to_thread(attack, target, stack, number)
                print(f"\n{len(answers)} rooms in {time.perf_counter() - began:.1f} s")
                assert len([one for one in answers.values() if "epoch" in one]) == 128  # type: ignore[operator]
                refused = [one["error"]["code"] for one in answers.values() if "error" in one]  # type: ignore[operator, index]
                assert refused == ["rate_limited"] * (len(answers) - 128)
            assert await target.metric("ksmp_rooms") >= 1000
            assert target.memory() < before + 150 * MIB
        await target.settles(2)
