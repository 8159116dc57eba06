"""Who is taken out of a session and let in again, who waits to come in, who is made more, and who looks away."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import Message, WireClient, WireError
from tests.modules.classroom import MENTOR, do, eventually, people, refusal, snapshot, staff

LIMITS = {
    "KSMP_LIVE_KICK_SECONDS": "3600",
    "KSMP_LIVE_BAN_LONGEST": "7200",
    "KSMP_LIVE_REASON_CHARACTERS": "20",
    "KSMP_LIVE_LOBBY_PLACES": "2",
    "KSMP_LIVE_AWAY_RATE_COUNT": "4",
    "KSMP_LIVE_AWAY_RATE_SECONDS": "1000",
}


@pytest.fixture(scope="module")
async def nodes(gateway: MakeGateway) -> AsyncIterator[Sequence[Running]]:
    # Where hosts are starts last: Piccolo's tables know one engine at a time, and transactions are of that one.
    async with gateway(environ=LIMITS) as two, gateway(environ=LIMITS) as one:
        yield one, two


async def refused(client: WireClient, room: str) -> str:
    """The code with which somebody is kept out of a room; empty when they are let in."""
    try:
        await client.join(room)
    except WireError as error:
        return error.code
    await client.call("leave", room=room)
    return ""


def lobby(room: str) -> str:
    return room.replace("session:", "lobby:")


async def another(database: asyncpg.Pool, session: str) -> str:
    """Another session of the same program."""
    id = uuid.uuid4().hex
    await database.execute(
        "INSERT INTO live_session (id, program_id, title, mentor_id) VALUES ($1, $2, 'Another', 'mentor')",
        id,
        f"p-{session}",
    )
    return f"session:{id}"


async def test_who_is_kept_out_is_out_everywhere_until_they_are_let_in(
    nodes: Sequence[Running],
    token: MakeToken,
    create_session: CreateSession,
    database: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = nodes
    removed: list[tuple[str, str]] = []

    class Camera:
        async def put_metadata(self, session_id: str, text: str) -> None: ...

        async def promote(self, session_id: str, user_id: str) -> None: ...

        async def remove(self, session_id: str, user_id: str) -> None:
            removed.append((session_id, user_id))

    for node in nodes:
        live: Any = next(module for module in node.gateway.modules if module.name == "live")
        monkeypatch.setattr(live.video.listeners, "video", Camera())
    session = await create_session()
    room, other = f"session:{session}", await another(database, session)
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "ada", "bob") as (tab, bob):
        for client in (mentor, ada, tab, bob):
            await client.join(room)
        await mentor.join(staff(room))
        await tab.join(other)
        await do(ada, room, "live.raise_hand")
        assert await refusal(bob, room, "live.kick", user="ada") == "forbidden"
        assert await refusal(bob, room, "live.ban", user="ada") == "forbidden"
        assert await refusal(bob, room, "live.unban", user="ada") == "forbidden"
        assert await refusal(bob, room, "live.promote", user="bob", role="cohost") == "forbidden"
        assert await refusal(mentor, room, "live.kick", user="program-mentor") == "live.is_host"
        assert await refusal(mentor, room, "live.ban", user=MENTOR) == "live.is_host"
        assert await refusal(mentor, room, "live.kick", user="no user") == "invalid"
        assert await refusal(mentor, room, "live.kick", user="ada", reason="x" * 21) == "invalid"
        assert await refusal(mentor, room, "live.ban", user="ada", seconds=7201) == "invalid"
        assert await refusal(mentor, room, "live.unban", user="ada") == "not_found"

        first = await do(mentor, room, "live.kick", user="ada", reason="Shouting.", nonce="k1")
        assert await do(mentor, room, "live.kick", user="ada", reason="Shouting.", nonce="k1") == {
            **first,
            "duplicate": True,
        }
        for client in (ada, tab):
            left = await client.expect_push("left", room)
            assert left["data"] == {"code": "live.kicked", "rejoin": False}
        lowered = await bob.expect(
            lambda got: got.get("push") == "live.hand" and got["data"]["hand"]["state"] == "lowered"
        )
        assert lowered["data"]["hand"]["user"]["id"] == "ada"
        for client in (ada, tab):
            assert await refused(client, room) == "forbidden"
        # A command by POST joins nothing, and is refused all the same.
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token('ada')}"}) as http:
            path = f"{two.url}/api/v1/rooms/{room}/commands"
            assert (await http.post(path, json={"cmd": "live.raise_hand", "data": {}})).status_code == 403
        assert await refused(tab, staff(room)) == "forbidden"
        # Another session of the program is not this one.
        assert await refused(ada, other) == ""
        kicked = (await mentor.expect_push("live.ban_changed", staff(room)))["data"]
        assert kicked["force"] is True
        assert kicked["ban"]["until"] > 0
        await eventually(lambda: removed == [(session, "ada")], "the video ends")

        # Of the program: out of all its sessions, those that are open and those that come.
        await do(mentor, room, "live.ban", user="ada", scope="program")
        assert (await tab.expect_push("left", other))["data"] == {"code": "live.banned", "rejoin": False}
        third = await another(database, session)
        for client in (ada, tab):
            assert [await refused(client, place) for place in (room, other, third)] == ["forbidden"] * 3
        bans = (await snapshot(mentor, staff(room)))["parts"]["live.bans"]["bans"]
        assert [(ban["user"], ban["scope"], "until" in ban) for ban in bans] == [
            ("ada", "program", False),
            ("ada", "session", True),
        ]
        # Lifting one does not lift the other.
        await do(mentor, room, "live.unban", user="ada", scope="program")
        await eventually(lambda: _is_let_in(ada, other), "back in the other session")
        await eventually(lambda: _is_let_in(tab, third), "and in one that came later")
        assert await refused(ada, room) == "forbidden"
        await do(mentor, room, "live.unban", user="ada")
        await eventually(lambda: _is_let_in(ada, room), "back where it began")
        await eventually(lambda: _is_let_in(tab, room), "on the other gateway too")
    async with httpx.AsyncClient() as http:
        path = f"{one.url}/api/v1/sessions/{session}/moderation"
        assert (await http.get(path, headers={"Authorization": f"Bearer {token('bob')}"})).status_code == 403
        items = (await http.get(path, headers={"Authorization": f"Bearer {token(MENTOR, 'mentor')}"})).json()["items"]
        assert [(item["action"], item["detail"], item["user"], item["by"]["id"]) for item in items] == [
            ("unban", "session", "ada", MENTOR),
            ("unban", "program", "ada", MENTOR),
            ("ban", "program", "ada", MENTOR),
            ("kick", "session", "ada", MENTOR),
        ]
        assert items[-1]["reason"] == "Shouting."
    acts = "SELECT act FROM account_audit WHERE details ->> 'session' = $1 ORDER BY id"
    assert [row["act"] for row in await database.fetch(acts, session)] == [
        *("live.kick", "live.ban", "live.unban", "live.unban")
    ]


async def _is_let_in(client: WireClient, room: str) -> bool:
    return await refused(client, room) == ""


async def test_a_cohost_is_a_host_but_not_over_hosts(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "bob", "cleo") as (bob, cleo):
        for client in (mentor, bob, ada, cleo):
            await client.join(room)
        assert await refused(ada, staff(room)) == "forbidden"
        for user in ("ada", "cleo"):
            await do(mentor, room, "live.promote", user=user, role="cohost")
        for client in (ada, cleo):
            assert (await client.expect_push("left", room))["data"] == {"code": "live.role", "rejoin": True}
            assert "live.open_poll" in (await client.join(room))["can"]
            await client.join(staff(room))
        await do(ada, room, "live.open_poll", question="Clear?", options=["yes", "no"])
        assert await refusal(ada, room, "live.promote", user="bob", role="cohost") == "forbidden"
        assert await refusal(ada, room, "live.kick", user="cleo") == "forbidden"
        assert await refusal(ada, room, "live.kick", user=MENTOR) == "live.is_host"
        assert await refusal(ada, room, "live.ban", user="bob", scope="program") == "forbidden"
        assert await refusal(ada, room, "live.unban", user="bob", scope="program") == "forbidden"
        await do(ada, room, "live.kick", user="bob")
        assert (await bob.expect_push("left", room))["data"]["code"] == "live.kicked"
        await do(mentor, room, "live.promote", user="ada", role="viewer")
        for place in (staff(room), room):
            assert (await ada.expect_push("left", place))["data"] == {"code": "live.role", "rejoin": True}
        assert await refused(ada, staff(room)) == "forbidden"
        # Who is invited speaks when they are back, and is a viewer again when their hand is lowered.
        await ada.join(room)
        await do(ada, room, "live.raise_hand")
        await do(mentor, room, "live.invite", user="ada")
        for role in ("speaker", "viewer"):
            await ada.expect_push("left", room)
            await ada.join(room)
            await eventually(lambda role=role: _role(one, token, room, role), f"ada is {role}")  # type: ignore[misc]
            if role == "speaker":
                await do(ada, room, "live.lower_hand")


async def _role(node: Running, token: MakeToken, room: str, role: str) -> bool:
    live: Any = next(module for module in node.gateway.modules if module.name == "live")
    principal = await node.gateway.verifier.verify(token("ada"))
    return bool(await live.access.authorizer.role(principal, room.removeprefix("session:")) == role)


async def test_viewers_wait_in_the_lobby(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    users = ("ada", "bob", "cleo", "dan")
    async with people(one, token, MENTOR) as (mentor,), people(two, token, *users) as (ada, bob, cleo, dan):
        await mentor.join(room)
        await mentor.join(staff(room))
        await ada.join(room)
        assert await refusal(ada, room, "live.configure", lobby=True) == "forbidden"
        await do(mentor, room, "live.configure", lobby=True)
        # Who was in the room stays in it, and may come back.
        await ada.call("leave", room=room)
        await ada.join(room)
        for client in (bob, cleo, dan):
            assert await refused(client, room) == "live.lobby"
            await client.join(lobby(room))
        for client in (bob, cleo):
            await do(client, lobby(room), "live.knock")
        assert await refusal(dan, lobby(room), "live.knock") == "live.lobby_full"
        guests = (await snapshot(mentor, staff(room)))["parts"]["live.guests"]["guests"]
        assert [guest["user"]["id"] for guest in guests] == ["bob", "cleo"]
        assert await refusal(ada, room, "live.admit", user="bob") == "forbidden"
        assert await refusal(ada, room, "live.admit_all") == "forbidden"
        assert await refusal(mentor, room, "live.admit", user="dan") == "not_found"
        await do(mentor, room, "live.admit", user="cleo")
        assert (await cleo.expect_push("live.admitted", lobby(room)))["data"]["users"] == ["cleo"]
        await cleo.join(room)
        assert await refused(bob, room) == "live.lobby"
        await do(dan, lobby(room), "live.knock")
        await do(mentor, room, "live.admit_all")
        admitted = await dan.expect(lambda got: got.get("push") == "live.admitted" and "dan" in got["data"]["users"])
        assert admitted["data"]["users"] == ["bob", "dan"]
        for client in (bob, dan):
            await client.join(room)
        changed = [change["data"]["guests"] for change in mentor.pushes("live.guests_changed", staff(room))]
        assert [[guest["user"]["id"] for guest in guests] for guests in changed] == [
            ["bob"],
            ["cleo"],
            ["cleo"],
            ["dan"],
            ["bob", "dan"],
        ]
        await do(mentor, room, "live.configure", lobby=False)
        assert await refused(bob, lobby(room)) == ""
    async with people(two, token, "eve") as (eve,):
        assert await refused(eve, room) == ""


async def test_who_looks_away_is_seen_by_hosts_who_ask_for_it(
    nodes: Sequence[Running], token: MakeToken, room: str
) -> None:
    one, two = nodes
    async with people(one, token, MENTOR) as (mentor,), people(two, token, "ada", "bob") as (ada, bob):
        for client in (mentor, ada, bob):
            await client.join(room)
        await mentor.join(staff(room))
        assert await refusal(ada, room, "live.away", away=True) == "live.attention_off"
        await do(mentor, room, "live.configure", attention=True)
        assert (await ada.expect_push("live.options", room))["data"]["attention"] is True
        for client in (ada, bob):
            before = await do(client, room, "live.away", away=True)
            assert await do(client, room, "live.away", away=True) == before
        await do(bob, room, "live.away", away=False)
        await eventually(lambda: len(mentor.pushes("live.away_changed", staff(room))) == 3, "what hosts are told")

        async def away() -> list[Message]:
            users: list[Message] = (await snapshot(mentor, staff(room)))["parts"]["live.away"]["users"]
            return users

        assert await away() == [{"id": "ada", "name": "Ada"}]
        assert ada.pushes("live.away_changed") == []
        await do(ada, room, "live.away", away=True)
        assert await refusal(ada, room, "live.away", away=False) == "rate_limited"
        await do(mentor, room, "live.configure", attention=False)
        assert await away() == []
