"""Whatever people send, edit, delete, clear and read: two devices that come and go show the counts from scratch."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ksmp_testkit import Clients, CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.answers import done
from ksmp_testkit.socket_client import Message, WireClient, connected

MOST = 6
ENVIRON = {"KSMP_CHAT_UNREAD_MOST": str(MOST), "KSMP_CHAT_UNREAD_INTERVAL": "0.1", "KSMP_NOTIFY_WORKERS": "0"}
# The messages of a room, from the archive alone.
ARCHIVED = """
    SELECT coalesce(replaces, seq) AS seq, author ->> 'id' AS author,
        coalesce(data -> 'mentions', '[]')::jsonb ? 'uma' AS mentioned
    FROM room_push WHERE room = $1 AND push IN ('chat.message', 'chat.edited')
"""
HEAD = "SELECT coalesce(max(seq), 0) FROM room_push WHERE room = $1"
PUSHED = ("unread", "mentions", "more")

# Who does what where. The number chooses among the messages that there are.
ACTS = ("send", "mention", "own", "edit", "delete", "clear", "read", "reconnect", "mute")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["send", "send", "mention", "own", "edit", "delete", "clear", "read", "read", "reconnect", "mute"]
        ),
        st.sampled_from(["program", "direct"]),
        st.integers(0, 7),
    ),
    min_size=3,
    max_size=14,
)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=1000.0, environ=ENVIRON) as running:
        yield running


@pytest.fixture(scope="module")
async def second(gateway: MakeGateway, node: Running) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=1000.0, environ=ENVIRON) as running:
        yield running


@dataclass
class Device:
    """A client of Uma as ours are: it keeps the counts with the highest `rev`, and asks anew when it is connected."""

    url: str
    token: str
    rooms: Sequence[str]
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    client: WireClient | None = None
    known: dict[str, Message] = field(default_factory=dict)
    seen: int = 0

    async def connect(self) -> WireClient:
        await self.stack.aclose()
        self.client = await self.stack.enter_async_context(connected(self.url, self.token))
        self.seen = 0
        for room in self.rooms:
            await self.client.join(room)
        summary = await self.client.call("chat.unread", room="user:uma", data={})
        for item in summary["items"]:
            self.keep(item)
        return self.client

    def keep(self, counts: Message) -> None:
        before = self.known.get(counts["room"])
        if before is None or before["rev"] < counts["rev"]:
            self.known[counts["room"]] = counts
        elif before["rev"] == counts["rev"]:
            # Of one revision there is one count.
            assert [before[name] for name in PUSHED] == [counts[name] for name in PUSHED], (before, counts)

    def shows(self, room: str) -> list[Any]:
        assert self.client is not None
        for message in self.client.received[self.seen :]:
            if message.get("push") == "chat.unread":
                self.keep(message["data"])
        self.seen = len(self.client.received)
        return [self.known[room][name] for name in PUSHED]


@dataclass
class Talk:
    """A room, who writes in it, and up to where Uma has read it by her own devices' account."""

    room: str
    writer: WireClient
    owner: WireClient
    position: int = 0
    # Each with who wrote it; None is Uma, whose devices change.
    sent: list[tuple[int, WireClient | None]] = field(default_factory=list)


async def do(talk: Talk, step: str, number: int, uma: WireClient, device: Device) -> None:
    chosen = talk.sent[number % len(talk.sent)] if talk.sent else None
    match step:
        case "send" | "mention" | "own":
            author = None if step == "own" else talk.writer
            data = {"text": f"{step} {number}", "mentions": ["uma"] if step == "mention" else []}
            seq = (await (author or uma).call("chat.send", room=talk.room, data=data))["seq"]
            talk.sent.append((seq, author))
        case "edit" if chosen is not None:
            await (chosen[1] or uma).call("chat.edit", room=talk.room, data={"seq": chosen[0], "text": "edited"})
        case "delete" if chosen is not None:
            talk.sent.remove(chosen)
            await (chosen[1] or uma).call("chat.delete", room=talk.room, data={"seq": chosen[0]})
        case "clear" if talk.room.startswith("program:"):
            talk.sent.clear()
            await talk.owner.call("chat.clear", room=talk.room, data={})
        case "read" if chosen is not None:
            talk.position = max(talk.position, chosen[0])
            device.keep(await uma.call("chat.read", room=talk.room, data={"seq": chosen[0]}))


async def from_scratch(database: asyncpg.Pool, talk: Talk) -> list[Any]:
    rows = await database.fetch(ARCHIVED, talk.room)
    unread = [row for row in rows if row["seq"] > talk.position and row["author"] != "uma"]
    mentions = sum(row["mentioned"] for row in unread)
    return [min(len(unread), MOST), min(mentions, MOST), len(unread) > MOST]


async def check(database: asyncpg.Pool, talk: Talk, devices: Sequence[Device], rest: httpx.AsyncClient) -> None:
    """All that was sent is archived, and then both devices and the summary show what it comes to."""
    last: list[object] = []

    async def same() -> bool:
        nonlocal last
        summary = {item["room"]: item for item in done(await rest.get("/api/v1/chat/unread"))["items"]}
        asked = [summary[talk.room][name] for name in PUSHED]
        shown = [device.shows(talk.room) for device in devices]
        counted = await from_scratch(database, talk)
        last = [counted, asked, *shown]
        return all(one == counted for one in (asked, *shown)) and await settled(database, talk)

    try:
        await eventually(same, "all show the same counts")
    except BaseException:
        print("from scratch, the summary, the devices:", last)
        raise


async def settled(database: asyncpg.Pool, talk: Talk) -> bool:
    """Whether the archive has all of the messages that are left, in versions of whatever seq."""
    found = {row["seq"] for row in await database.fetch(ARCHIVED, talk.room)}
    return found == {seq for seq, _ in talk.sent}


NUMBERS = itertools.count()


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
async def test_counts_are_those_of_the_archive(
    steps: list[tuple[str, str, int]],
    node: Running,
    second: Running,
    token: MakeToken,
    clients: Clients,
    create_session: CreateSession,
    database: asyncpg.Pool,
) -> None:
    session = await create_session(open=False, enrolled=("uma", "vic"))
    rest, boss = clients.rest("uma"), clients.rest("boss", "admin")
    await rest.get("/api/v1/users/me")
    new = {"user_ids": ["uma"], "title": f"talk {next(NUMBERS)}"}
    direct = done(await boss.post("/api/v1/chat/direct", json=new), 201)["room"]
    program = f"program:p-{session}"
    rooms = (program, direct)
    async with (
        connected(node.ws_url, token("boss", "admin")) as admin,
        connected(node.ws_url, token("vic")) as vic,
    ):
        await vic.join(program)
        for room in rooms:
            await admin.join(room)
        devices = [Device(node.ws_url, token("uma"), rooms), Device(second.ws_url, token("uma"), rooms)]
        try:
            for device in devices:
                await device.connect()
            talks = {"program": Talk(program, vic, admin), "direct": Talk(direct, admin, admin)}
            for step, where, number in steps:
                device, talk = devices[number % 2], talks[where]
                assert device.client is not None
                if step == "reconnect":
                    await device.connect()
                elif step == "mute":
                    # It changes who is notified, and no count.
                    done(await rest.put(f"/api/v1/notify/mutes/{talk.room}", json={}))
                else:
                    await do(talk, step, number, device.client, device)
            for talk in talks.values():
                await check(database, talk, devices, rest)
        finally:
            for device in devices:
                await device.stack.aclose()
            for room in rooms:
                await rest.delete(f"/api/v1/notify/mutes/{room}")
