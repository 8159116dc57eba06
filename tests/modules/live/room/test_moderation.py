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


async def test_a_ban_from_the_program_closes_all_of_it(
    nodes: Sequence[Running], token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    one, two = nodes
    tag = uuid.uuid4().hex[:8]
    ada, bob, unit, lesson = f"ada-{tag}", f"bob-{tag}", f"u-{tag}", f"l-{tag}"
    session = await create_session(open=False, enrolled=(ada,))
    program, room = f"p-{session}", f"session:{session}"
    await database.execute("UPDATE program SET state = 'published', capacity = 1 WHERE id = $1", program)
    await database.execute(
        "INSERT INTO program_unit (id, program_id, title, position, rev) VALUES ($1, $2, 'One', 1, 1)", unit, program
    )
    await database.execute(
        """INSERT INTO program_lesson (id, program_id, unit_id, title, position, rev)
        VALUES ($1, $2, $3, 'Roots', 1, 1)""",
        lesson,
        program,
        unit,
    )
    headers = {who: {"Authorization": f"Bearer {token(who)}"} for who in (ada, bob)}
    at = f"{two.url}/api/v1/programs/{program}"
    async with (
        httpx.AsyncClient() as rest,
        people(one, token, MENTOR, bob) as (mentor, waiting),
        people(two, token, ada) as (banned,),
    ):

        async def answers(who: str) -> list[tuple[int, str]]:
            calls = (
                await rest.get(f"{at}/lessons/{lesson}", headers=headers[who]),
                await rest.put(f"{at}/lessons/{lesson}/progress", headers=headers[who], json={"state": "started"}),
                await rest.get(f"{two.url}/api/v1/sessions/{session}", headers=headers[who]),
                await rest.post(f"{at}/enrolment", headers=headers[who]),
            )
            return [(one.status_code, one.json().get("code", "")) for one in calls]

        await mentor.join(room)
        await banned.join(room)
        await banned.join(f"program:{program}")
        assert await answers(ada) == [(200, "")] * 4
        # Somebody who waits, and is banned there too.
        assert (await rest.post(f"{at}/enrolment", headers=headers[bob])).json()["state"] == "waiting"
        await database.execute("UPDATE live_session SET visibility = 'open' WHERE id = $1", session)
        await waiting.join(room)
        await database.execute("UPDATE live_session SET visibility = 'program' WHERE id = $1", session)
        for who in (ada, bob):
            await do(mentor, room, "live.ban", user=who, scope="program")
        left = await banned.expect_push("left", f"program:{program}")
        assert left["data"] == {"code": "programs.banned", "rejoin": False}
        assert await refused(banned, f"program:{program}") == "forbidden"
        assert await answers(ada) == [(403, "forbidden")] * 3 + [(403, "programs.banned")]
        listed = await rest.get(f"{two.url}/api/v1/sessions/", headers=headers[ada], params={"program": program})
        assert listed.json()["items"] == []
        # Neither does giving the place back help, nor waiting for it.
        assert (await rest.delete(f"{at}/enrolment", headers=headers[ada])).status_code == 204
        assert await answers(ada) == [(403, "forbidden")] * 3 + [(403, "programs.banned")]
        states = "SELECT user_id, state FROM program_enrolment WHERE program_id = $1"
        assert [tuple(row) for row in await database.fetch(states, program)] == [(bob, "waiting")]

        # A ban from one session is no ban from the program.
        await do(mentor, room, "live.unban", user=bob, scope="program")
        await do(mentor, room, "live.ban", user=bob)
        assert (await rest.post(f"{at}/enrolment", headers=headers[bob])).json()["state"] == "enrolled"
        assert (await answers(bob))[0] == (200, "")
        await do(mentor, room, "live.unban", user=ada, scope="program")
        assert (await rest.post(f"{at}/enrolment", headers=headers[ada])).json()["state"] == "waiting"


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
        for command in ("live.kick", "live.ban", "live.promote"):
            role = {"role": "speaker"} if command == "live.promote" else {}
            assert await refusal(mentor, room, command, user=uuid.uuid4().hex, **role) == "not_found"
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
