"""A snapshot is the room's state at a position. Any module may add parts."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import msgspec

from gateway.contract import Context, Kernel, Module, PushType, snapshot_part
from ksmp_testkit import MakeGateway, MakeToken
from ksmp_testkit.socket_client import connected


class Doors(msgspec.Struct):
    role: str


READ = PushType("caller.read", Doors)


class Caller(Module):
    """Publishes to the room while its part is read, as any member might."""

    name = "caller"
    requires = ("live",)

    pushes = (READ,)

    @snapshot_part("caller.session", room="session")
    @snapshot_part("caller.staff", room="staff")
    async def _read(self, context: Context) -> Doors:
        await context.publish(READ, Doors(context.role))
        return Doors(context.role)


async def test_a_snapshot_has_the_parts_of_all_modules_and_a_position_before_them(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    staff = room.replace("session:", "staff:")
    async with (
        gateway(more=[Caller]) as node,
        connected(node.ws_url, token("ada")) as ada,
        connected(node.ws_url, token("mentor", "mentor")) as mentor,
    ):
        joined = await ada.join(room)
        for _ in range(2):
            before = ada.positions[room]
            snapshot = await ada.call("live.snapshot", room=room)
            # A push that came while it was read is after its position, so the client applies it once more.
            called = await ada.expect_push("caller.read", room)
            assert before <= snapshot["seq"] < called["seq"]
            assert (snapshot["room"], snapshot["epoch"]) == (room, joined["epoch"])
            assert snapshot["parts"]["caller.session"] == {"role": "viewer"}
            assert "caller.staff" not in snapshot["parts"]
        await mentor.join(staff)
        snapshot = await mentor.call("live.staff_snapshot", room=staff)
        assert snapshot["parts"]["caller.staff"] == {"role": "host"}
        assert snapshot["room"] == staff


class Board(Module):
    """A part that is the same for all, and slow to read."""

    name = "board"
    requires = ("live",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.reads = 0
        self.open = asyncio.Event()

    @snapshot_part("board.all", room="session", shared=True)
    async def _all(self, context: Context) -> Doors:
        self.reads += 1
        await self.open.wait()
        return Doors(str(self.reads))

    @snapshot_part("board.own", room="session")
    async def _own(self, context: Context) -> Doors:
        return Doors(context.principal.id)


async def test_who_asks_at_once_shares_a_read_that_began_after_they_joined(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    users = [f"u{number}" for number in range(12)]
    async with gateway(more=[Board]) as node, AsyncExitStack() as stack:
        board = node.module(Board)
        first, late, teller, *crowd = [
            await stack.enter_async_context(connected(node.ws_url, token(user)))
            for user in ("first", "late", "teller", *users)
        ]
        for client in (first, teller, *crowd):
            await client.join(room)
        asked = [asyncio.create_task(client.call("live.snapshot", room=room)) for client in (first, *crowd)]
        async with asyncio.timeout(20):
            while not board.reads:
                await asyncio.sleep(0.01)
        # Whoever joins now has not seen this push, so the read that is under way is too old for them.
        said = await teller.say(room, "hello")
        await late.join(room)
        asked.append(asyncio.create_task(late.call("live.snapshot", room=room)))
        async with asyncio.timeout(20):
            while board.reads < 2:
                await asyncio.sleep(0.01)
        board.open.set()
        found = await asyncio.gather(*asked)
        assert [one["parts"]["board.own"]["role"] for one in found] == ["first", *users, "late"]
        assert found[-1]["seq"] >= said["seq"] > found[0]["seq"]
        assert board.reads <= 3
        # A later snapshot is another read.
        await asyncio.sleep(0.3)
        assert (await late.call("live.snapshot", room=room))["parts"]["board.all"]["role"] == str(board.reads)
        assert board.reads >= 3
