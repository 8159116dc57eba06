"""Moderation: users who are taken out and let in again, and users who get a role."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import CreateSession, MakeToken, Running, eventually
from ksmp_testkit.socket_client import WireClient
from tests.modules.classroom import MENTOR, do, people, refusal, refused, snapshot, staff


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
        # A command by POST needs no join, and is refused too.
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token('ada')}"}) as http:
            path = f"{two.url}/api/v1/rooms/{room}/commands"
            assert (await http.post(path, json={"cmd": "live.raise_hand", "data": {}})).status_code == 403
        assert await refused(tab, staff(room)) == "forbidden"
        # The kick is from one session, not from another of the same program.
        assert await refused(ada, other) == ""
        kicked = (await mentor.expect_push("live.ban_changed", staff(room)))["data"]
        assert kicked["force"] is True
        assert kicked["ban"]["until"] > 0
        await eventually(lambda: removed == [(session, "ada")], "the video ends")

        # A ban from the program holds in all its sessions, also in one that is made later.
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
        # Lifting one ban does not lift the other.
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
        # An invited user speaks after they have joined again, and is a viewer again when their hand is lowered.
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
