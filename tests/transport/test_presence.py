"""Who is in a room and who types there, over real sockets on one node and on two."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.realtime.presence_sync import PERIOD
from gateway.settings import Settings
from ksmp_testkit import MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import Message, WireClient, WireError, connected

# Pushes of a room are 500 ms apart when they leave; on a loaded machine they arrive less evenly.
APART = 0.4


@pytest.fixture(scope="module")
async def other(gateway: MakeGateway, node: Running) -> AsyncIterator[Running]:
    """A second node beside `node`."""
    async with gateway() as running:
        yield running


class Watcher:
    """Adds up the presence pushes of a room as a client does, from its first list on."""

    def __init__(self, client: WireClient, room: str) -> None:
        self.client = client
        self.room = room
        self.v = 0
        self.ids: set[str] = set()

    async def fetch(self) -> None:
        page = await self.client.call("presence", room=self.room)
        self.v, self.ids = page["v"], {member["id"] for member in page["members"]}

    async def until(self, ids: set[str], *, timeout: float = 10.0) -> list[Message]:
        """Take pushes until the room holds these; the data of those that were taken."""
        taken = []
        while self.ids != ids:
            push = await self.client.expect_push("presence", self.room, timeout=timeout)
            assert set(push) == {"push", "room", "at", "data"}
            data = push["data"]
            if data["v"] <= self.v:
                continue
            assert data["v"] == self.v + 1
            self.v = data["v"]
            self.ids |= {member["id"] for member in data["join"]}
            self.ids -= set(data["leave"])
            assert data["count"] == len(self.ids)
            taken.append(data)
        return taken


@contextlib.asynccontextmanager
async def inside(url: str, token: str, room: str) -> AsyncIterator[WireClient]:
    async with connected(url, token) as client:
        await client.join(room)
        yield client


async def refused(client: WireClient, code: str, cmd: str, **fields: Any) -> None:
    with pytest.raises(WireError) as caught:
        await client.call(cmd, **fields)
    assert caught.value.code == code


# The push


async def test_joins_and_leaves_are_pushed_under_a_version_that_rises_by_one(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    async with gateway(presence_grace=0.2) as running, inside(running.ws_url, token("ada"), room) as ada:
        watcher = Watcher(ada, room)
        first = (await watcher.until({"ada"}))[0]
        assert (first["v"], first["count"], first["leave"]) == (1, 1, [])
        before = int(time.time() * 1000)
        async with inside(running.ws_url, token("bob", "mentor", name="Bob B"), room) as bob:
            joined = (await watcher.until({"ada", "bob"}))[0]
            assert [{**member, "since": 0} for member in joined["join"]] == [
                {"id": "bob", "name": "Bob B", "role": "mentor", "since": 0}
            ]
            assert before - 1000 <= joined["join"][0]["since"] <= int(time.time() * 1000)
            await bob.call("leave", room=room)
            left = (await watcher.until({"ada"}))[0]
            assert (left["join"], left["leave"], left["v"]) == ([], ["bob"], 3)
            await bob.join(room)
            await watcher.until({"ada", "bob"})
        # A socket that closes leaves its rooms too.
        await watcher.until({"ada"})


async def test_a_client_that_joins_sees_itself_and_then_the_list(node: Running, token: MakeToken, room: str) -> None:
    async with inside(node.ws_url, token("ada"), room) as ada, inside(node.ws_url, token("bob"), room) as bob:
        for client in (ada, bob):
            watcher = Watcher(client, room)
            await client.expect_push("presence", room)
            await watcher.fetch()
            await watcher.until({"ada", "bob"})


async def test_a_hundred_joins_in_a_burst_are_few_pushes(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with (
        gateway(connections_per_user=200) as running,
        inside(running.ws_url, token("ada"), room) as ada,
        contextlib.AsyncExitStack() as stack,
    ):
        await Watcher(ada, room).until({"ada"})
        clients = [await stack.enter_async_context(connected(running.ws_url, token(f"u{n}"))) for n in range(100)]
        arrived: list[tuple[float, Message]] = []

        async def listen() -> None:
            count = 1
            while count < 101:
                push = await ada.expect_push("presence", room)
                arrived.append((time.monotonic(), push["data"]))
                count = push["data"]["count"]

        listening = asyncio.create_task(listen())
        started = time.monotonic()
        await asyncio.gather(*(client.join(room) for client in clients))
        took = time.monotonic() - started
        await listening
        assert len(arrived) <= took / PERIOD + 2
        times = [at for at, _ in arrived]
        assert all(after - before >= APART for before, after in itertools.pairwise(times))
        assert sum(len(data["join"]) for _, data in arrived) == 100


async def test_a_large_room_is_counted_and_not_listed(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with (
        gateway(presence_listed=3, presence_grace=0.1) as running,
        inside(running.ws_url, token("ada"), room) as ada,
        contextlib.AsyncExitStack() as stack,
    ):
        await Watcher(ada, room).until({"ada"})
        clients = [await stack.enter_async_context(inside(running.ws_url, token(f"u{n}"), room)) for n in range(5)]
        large = await ada.expect(lambda one: one.get("push") == "presence" and one["data"]["count"] == 6)
        assert set(large["data"]) == {"v", "count"}
        # The members can still be read, page by page.
        page = await ada.call("presence", room=room)
        assert (page["count"], page["v"], len(page["members"])) == (6, large["data"]["v"], 6)
        for client in clients[:4]:
            await client.call("leave", room=room)
        small = await ada.expect(lambda one: one.get("push") == "presence" and one["data"]["count"] == 2)
        assert set(small["data"]) in ({"v", "count"}, {"v", "count", "join", "leave"})


def test_more_than_200_are_large_by_default() -> None:
    defaults = {item.name: item.default for item in Settings.__dataclass_fields__.values()}
    assert defaults["presence_listed"] == 200
    assert defaults["presence_grace"] == 5.0
    # A killed node's members are gone within 15 s.
    assert defaults["presence_silence"] + 2 * PERIOD <= 15.0


# The command


async def test_the_members_are_read_in_pages_by_id(node: Running, token: MakeToken, room: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        names = ["u3", "u1", "u2", "u0", "u4"]
        clients = [await stack.enter_async_context(inside(node.ws_url, token(name), room)) for name in names]
        watcher = Watcher(clients[0], room)
        await watcher.until(set(names))
        seen: list[Message] = []
        after, more = "", True
        while more:
            page = await clients[0].call("presence", room=room, after=after, limit=2)
            assert set(page) == {"count", "v", "members", "more"}
            assert (page["count"], page["v"]) == (5, watcher.v)
            seen += page["members"]
            after, more = seen[-1]["id"], page["more"]
        assert [member["id"] for member in seen] == sorted(names)
        assert all(set(member) == {"id", "name", "role", "since"} for member in seen)
        exact = await clients[0].call("presence", room=room, limit=5)
        assert (len(exact["members"]), exact["more"]) == (5, False)
        behind = await clients[0].call("presence", room=room, after="zzz")
        assert (behind["count"], behind["members"], behind["more"]) == (5, [], False)


async def test_what_presence_and_typing_refuse(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("ada")) as ada:
        await refused(ada, "not_joined", "presence", room=room)
        await refused(ada, "not_joined", "typing", room=room, on=True)
        await ada.join(room)
        assert (await ada.call("presence", room=room, limit=200))["more"] is False
        for fields in ({"limit": 201}, {"limit": 0}, {"limit": "all"}, {"after": 5}):
            await refused(ada, "invalid", "presence", room=room, **fields)
        await refused(ada, "invalid", "typing", room=room)
        await refused(ada, "invalid", "typing", room=room, on="yes")
        # Rooms of these kinds have no presence.
        for quiet in ("user:ada", "announce:all"):
            await refused(ada, "invalid", "presence", room=quiet)
            await refused(ada, "invalid", "typing", room=quiet, on=True)
        assert ada.pushes("presence", "announce:all") == []


# Two nodes


async def test_two_nodes_show_the_same_members(node: Running, other: Running, token: MakeToken, room: str) -> None:
    async with inside(node.ws_url, token("ada"), room) as ada, inside(other.ws_url, token("bob"), room) as bob:
        here, there = Watcher(ada, room), Watcher(bob, room)
        await here.until({"ada", "bob"})
        await there.until({"ada", "bob"})
        # A client that joins now is told of all members, on either node.
        async with connected(node.ws_url, token("cy")) as cy, connected(other.ws_url, token("dan")) as dan:
            assert (await cy.join(room))["members"] == 3
            await here.until({"ada", "bob", "cy"})
            await there.until({"ada", "bob", "cy"})
            assert (await dan.join(room))["members"] == 4
            await here.until({"ada", "bob", "cy", "dan"})
            await there.until({"ada", "bob", "cy", "dan"})
            pages = [await client.call("presence", room=room) for client in (ada, bob)]
            assert pages[0]["members"] == pages[1]["members"]


async def test_three_tabs_on_two_nodes_are_one_member(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with (
        gateway(presence_grace=0.2) as one,
        gateway(presence_grace=0.2) as two,
        inside(one.ws_url, token("ada"), room) as ada,
    ):
        watcher = Watcher(ada, room)
        await watcher.until({"ada"})
        async with inside(one.ws_url, token("bob"), room) as first:
            joined = await watcher.until({"ada", "bob"})
            async with inside(one.ws_url, token("bob"), room), inside(two.ws_url, token("bob"), room):
                await first.call("leave", room=room)
                await asyncio.sleep(1.5)
                page = await ada.call("presence", room=room)
                assert [member["id"] for member in page["members"]] == ["ada", "bob"]
                assert (page["v"], page["count"]) == (joined[-1]["v"], 2)
            left = await watcher.until({"ada"})
            assert [data["leave"] for data in left] == [["bob"]]


async def test_who_comes_back_within_the_grace_was_never_away(
    node: Running, other: Running, token: MakeToken, room: str
) -> None:
    async with inside(node.ws_url, token("ada"), room) as ada, inside(other.ws_url, token("cy"), room) as cy:
        watchers = [Watcher(ada, room), Watcher(cy, room)]
        async with inside(node.ws_url, token("bob"), room):
            for watcher in watchers:
                await watcher.until({"ada", "bob", "cy"})
        # This time it connects to the other node.
        await asyncio.sleep(1.0)
        async with inside(other.ws_url, token("bob"), room):
            # Longer than the grace of the place that was left.
            await asyncio.sleep(6.0)
            for watcher in watchers:
                page = await watcher.client.call("presence", room=room)
                assert (page["v"], page["count"]) == (watcher.v, 3)
                assert watcher.client.pushes("presence", room)[-1]["data"]["v"] == watcher.v


async def test_the_members_of_a_killed_node_are_gone_after_the_silence(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    async with (
        gateway(presence_silence=2.0) as alive,
        gateway(presence_silence=2.0) as doomed,
        inside(alive.ws_url, token("ada"), room) as ada,
        inside(doomed.ws_url, token("bob"), room),
    ):
        watcher = Watcher(ada, room)
        await watcher.until({"ada", "bob"})
        # The node is alive: nothing changes for longer than the silence.
        await asyncio.sleep(3.0)
        await watcher.fetch()
        assert watcher.ids == {"ada", "bob"}
        await doomed.gateway.hub.stop()
        await doomed.gateway.bus.close()
        killed = time.monotonic()
        left = await watcher.until({"ada"})
        assert [data["leave"] for data in left] == [["bob"]]
        # Its last sign of life is up to a third of the silence old.
        assert time.monotonic() - killed >= 2.0 * 2 / 3 - PERIOD


async def test_a_room_that_was_let_go_and_opened_again_is_believed(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    """To the other nodes, a replica that starts over is a new one, and not an outdated one."""
    async with (
        gateway() as one,
        gateway(presence_grace=0.0, room_linger=1.5, head_interval=0.2) as two,
        inside(one.ws_url, token("ada"), room) as ada,
    ):
        watcher = Watcher(ada, room)
        await watcher.until({"ada"})
        for name in ("bob", "cy"):
            async with inside(two.ws_url, token(name), room):
                await watcher.until({"ada", name})
            await eventually(lambda: two.gateway.hub.room(room) is None)
            await watcher.until({"ada"}, timeout=20.0)


# Typing


def typists(push: Message) -> tuple[list[str], int]:
    data = push["data"]
    assert set(data) == {"users", "count"}
    assert all(set(user) == {"id", "name"} for user in data["users"])
    return [user["id"] for user in data["users"]], data["count"]


async def test_typing_is_pushed_to_all_repeated_and_forgotten(
    node: Running, other: Running, token: MakeToken, room: str
) -> None:
    async with (
        inside(node.ws_url, token("ada"), room) as ada,
        inside(node.ws_url, token("bob"), room) as bob,
        inside(other.ws_url, token("cy"), room) as cy,
    ):
        clients = (ada, bob, cy)
        assert await ada.call("typing", room=room, on=True) == {}
        for client in clients:
            push = await client.expect_push("typing", room)
            assert set(push) == {"push", "room", "at", "data"}
            assert typists(push) == (["ada"], 1)
        began = time.monotonic()
        # It is repeated after 3 s for late joiners, and expires after 5 s without a stroke.
        for client in clients:
            assert typists(await client.expect_push("typing", room)) == (["ada"], 1)
        assert time.monotonic() - began >= 2.0
        for client in clients:
            assert typists(await client.expect_push("typing", room)) == ([], 0)
        assert time.monotonic() - began >= 3.5
        # Nobody types: nothing is repeated.
        count = [len(client.pushes("typing", room)) for client in clients]
        await asyncio.sleep(3.5)
        assert [len(client.pushes("typing", room)) for client in clients] == count


async def test_who_stops_typing_is_taken_off_at_once(
    node: Running, other: Running, token: MakeToken, room: str
) -> None:
    async with inside(node.ws_url, token("ada"), room) as ada, inside(other.ws_url, token("cy"), room) as cy:
        await ada.call("typing", room=room, on=True)
        await cy.call("typing", room=room, on=True)
        for client in (ada, cy):
            await client.expect(lambda one: one.get("push") == "typing" and one["data"]["count"] == 2)
        began, seen = time.monotonic(), [len(client.pushes("typing", room)) for client in (ada, cy)]
        await ada.call("typing", room=room, on=False)
        await eventually(lambda: len(ada.pushes("typing", room)) > seen[0] and len(cy.pushes("typing", room)) > seen[1])
        for client, count in zip((ada, cy), seen, strict=True):
            assert typists(client.pushes("typing", room)[count]) == (["cy"], 1)
        # This is sooner than it would have expired.
        assert time.monotonic() - began < 4.0
        # A user who was not typing changes nothing.
        await ada.call("typing", room=room, on=False)


async def test_typing_is_conflated_and_names_five_at_most(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with gateway() as running, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(inside(running.ws_url, token(f"u{n}"), room)) for n in range(8)]
        arrived: list[tuple[float, Message]] = []

        async def listen() -> None:
            while True:
                arrived.append((time.monotonic(), await clients[0].expect_push("typing", room, timeout=60.0)))

        listening = asyncio.create_task(listen())
        for round in range(4):
            for client in clients:
                await client.call("typing", room=room, on=True)
                await client.call("typing", room=room, on=round == 3)
        await eventually(lambda: bool(arrived) and arrived[-1][1]["data"]["count"] == 8)
        listening.cancel()
        names, _ = typists(arrived[-1][1])
        assert len(set(names)) == 5
        times = [at for at, _ in arrived]
        assert all(after - before >= APART for before, after in itertools.pairwise(times))


async def test_presence_and_typing_are_never_numbered(node: Running, token: MakeToken, room: str) -> None:
    async with inside(node.ws_url, token("ada"), room) as ada:
        await ada.call("typing", room=room, on=True)
        await ada.say(room, "hello")
        await ada.expect_push("typing", room)
        await ada.expect_push("presence", room)
        for push in (*ada.pushes("typing", room), *ada.pushes("presence", room)):
            assert "seq" not in push
            assert "prev" not in push
