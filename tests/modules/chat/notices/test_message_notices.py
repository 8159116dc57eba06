"""Who is notified of which message, once, and who needs it no more when it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

import asyncpg
import msgspec
import pytest

from ksmp_testkit import Clients, CreateSession, MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.answers import done
from ksmp_testkit.socket_client import WireClient, connected
from modules.chat.module import ChatModule
from modules.chat.notices.message_notices import MessageNotice
from modules.notify.facade import Kind

ENVIRON = {
    "KSMP_CHAT_NOTICE_DELAY": "0.1",
    "KSMP_CHAT_NOTICE_DIGEST": "60.0",
    "KSMP_NOTIFY_WORKERS": "1",
    "KSMP_NOTIFY_INTERVAL": "0.2",
}
NOTICES = "SELECT kind, users, state, data FROM notify_notice WHERE subject = $1 ORDER BY kind"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=1000.0, environ=ENVIRON) as running:
        yield running


async def say(client: WireClient, room: str, text: str, **fields: object) -> int:
    seq: int = (await client.call("chat.send", room=room, data={"text": text, **fields}))["seq"]
    return seq


async def told(database: asyncpg.Pool, room: str, seq: int, wanted: dict[str, Collection[str]]) -> None:
    """Wait until of this message just these kinds are told to just these users."""

    async def is_so() -> bool:
        rows = await database.fetch(NOTICES, f"{room}@{seq}")
        return {row["kind"]: sorted(row["users"]) for row in rows if row["state"] != "withdrawn"} == {
            kind: sorted(users) for kind, users in wanted.items()
        }

    await eventually(is_so, f"{wanted} of {seq}")


async def wanted(kind: Kind, database: asyncpg.Pool, room: str, seq: int, *users: str) -> set[str]:
    """Those of these users who still need to hear of the message, as it is asked at the moment of sending."""
    data: Any = await database.fetchval("SELECT data FROM notify_notice WHERE subject = $1", f"{room}@{seq}")
    assert kind.still_wanted is not None
    return {*await kind.still_wanted(users, f"{room}@{seq}", msgspec.json.decode(data, type=MessageNotice))}


async def test_members_of_a_direct_room_are_notified(
    node: Running, token: MakeToken, clients: Clients, database: asyncpg.Pool
) -> None:
    message = node.module(ChatModule).notices.message
    for user in ("ned", "nora"):
        await clients.rest(user).get("/api/v1/users/me")
    members = {"user_ids": ["ned", "nora"], "title": "Three"}
    boss = clients.rest("boss", "admin")
    room = done(await boss.post("/api/v1/chat/direct", json=members), 201)["room"]
    async with connected(node.ws_url, token("boss", "admin")) as client:
        await client.join(room)
        # A mention is no second notification of the same message.
        seq = await say(client, room, "hello you two", mentions=["ned"])
        await told(database, room, seq, {"chat.message": ["ned", "nora"]})
        assert await wanted(message, database, room, seq, "ned", "nora") == {"ned", "nora"}
        # Who read it on another device is spared, and so is who is not in the room any more.
        done(await clients.rest("ned").put(f"/api/v1/chat/rooms/{room}/read", json={"seq": seq}))
        assert await wanted(message, database, room, seq, "ned", "nora", "stranger") == {"nora"}
        await client.call("chat.delete", room=room, data={"seq": seq})
        await told(database, room, seq, {})
        assert await wanted(message, database, room, seq, "nora") == set()


async def test_a_reply_or_a_mention_is_told_once(
    node: Running, token: MakeToken, clients: Clients, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    session = await create_session(open=False, enrolled=("ida", "jon", "kim"))
    room = f"program:p-{session}"
    async with (
        connected(node.ws_url, token("ida")) as ida,
        connected(node.ws_url, token("jon")) as jon,
        connected(node.ws_url, token("kim")) as kim,
    ):
        for client in (ida, jon, kim):
            await client.join(room)
        root = await say(ida, room, "Who has understood the third lesson?")
        await told(database, room, root, {})
        first = await say(jon, room, "I have", thread=root)
        await told(database, room, first, {"chat.reply": ["ida"]})
        # Everybody in the thread hears of it, who is mentioned of the mention alone, its author of nothing.
        second = await say(kim, room, "I have not", thread=root, mentions=["jon"])
        await told(database, room, second, {"chat.reply": ["ida"], "chat.mention": ["jon"]})
        answer = await say(ida, room, "see above", reply_to=first)
        await told(database, room, answer, {"chat.reply": ["jon"]})

    async def listed() -> bool:
        items = (await clients.rest("jon").get("/api/v1/notify/inbox")).json()["items"]
        found = {item["kind"]: item["title"] for item in items}
        return {"chat.mention", "chat.reply"} <= {*found}

    await eventually(listed, "both are in the list in the app")
