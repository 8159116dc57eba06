"""Who has to leave the rooms of a session."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected
from modules.live.room.promotions.promotions import Promotions
from tests.modules.live.scheduling import created, entered, meet

ANY = {"If-Match": "*"}


async def test_a_room_that_closes_is_left_by_all_but_its_hosts(
    gateway: MakeGateway, program: str, token: MakeToken, database: asyncpg.Pool
) -> None:
    environ = {"KSMP_LIVE_ROOM_KEPT": "1"}
    async with (
        gateway(environ=environ, grant_fresh=0.0) as a,
        gateway(environ=environ, grant_fresh=0.0) as b,
        AsyncExitStack() as stack,
    ):

        async def connect(node: Running, user: str, role: str = "student") -> Any:
            return await stack.enter_async_context(connected(node.ws_url, token(user, role)))

        headers = {"Authorization": f"Bearer {token('meera', 'mentor')}"}
        mentor = await stack.enter_async_context(httpx.AsyncClient(base_url=b.url, headers=headers, timeout=30))
        hosts = [await connect(b, "meera", "mentor"), await connect(a, "root", "admin")]
        viewers = [await connect(a, "sam"), await connect(b, "enid"), await connect(b, "sam")]
        for steps, code in ((("start", "end"), "live.over"), (("cancel",), "live.cancelled")):
            path = await created(mentor, program, "open", visibility="open")
            id = path.rsplit("/", 1)[1]
            guest = await connect(a, f"guest-{id}")
            await guest.join(f"lobby:{id}")
            for client in (*hosts, *viewers):
                await client.join(f"session:{id}")
            await hosts[0].join(f"staff:{id}")
            for step in steps:
                assert (await mentor.post(f"{path}/{step}")).status_code == 200
            for client, room in (*((one, f"session:{id}") for one in viewers), (guest, f"lobby:{id}")):
                left = await client.expect(lambda one, room=room: one.get("push") == "left" and one["room"] == room)
                assert left["data"] == {"code": code, "rejoin": False}

            timers = "SELECT FROM timer WHERE key = $1 AND name = 'live.empty'"
            async with asyncio.timeout(20):
                while await database.fetch(timers, id):
                    await asyncio.sleep(0.1)
            for host in hosts:
                await host.say(f"session:{id}", "still here")
                assert host.pushes("left") == []
            assert (await hosts[0].join(f"staff:{id}"))["members"] == 1
            assert await entered(viewers[1], f"session:{id}") == code


async def test_who_has_no_right_any_more_is_taken_out(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    await meet(database, "cora", "carl")
    path = await created(mentor, program, "open", co_mentors=["cora", "carl"], visibility="open")
    session = f"session:{path.rsplit('/', 1)[1]}"
    staff = session.replace("session", "staff")
    left = {"code": "live.role", "rejoin": True}
    async with AsyncExitStack() as stack:
        people = {
            name: await stack.enter_async_context(connected(node.ws_url, token(name, role)))
            for name, role in (("cora", "mentor"), ("carl", "mentor"), ("sam", "student"), ("enid", "student"))
        }
        for name, client in people.items():
            await client.join(session)
            if name.startswith("c"):
                await client.join(staff)
        assert (await mentor.patch(path, json={"co_mentors": ["carl"]}, headers=ANY)).status_code == 200
        for room in (session, staff):
            assert (await people["cora"].expect_push("left", room))["data"] == left
        # Of an open session everybody is a viewer.
        await people["cora"].join(session)
        with pytest.raises(WireError, match="forbidden"):
            await people["cora"].join(staff)
        assert (await mentor.patch(path, json={"visibility": "program"}, headers=ANY)).status_code == 200
        for name in ("cora", "sam"):
            await people[name].expect(
                lambda one: one.get("push") == "left" and one["room"] == session and one["data"] == left
            )
            with pytest.raises(WireError, match="forbidden"):
                await people[name].join(session)
        for name in ("carl", "enid"):
            await people[name].say(session, "still here")
            assert people[name].pushes("left") == []
    (noted,) = await database.fetch("SELECT act, details FROM account_audit WHERE subject = $1", path.rsplit("/", 1)[1])
    assert (noted["act"], json.loads(noted["details"])) == ("live.co_mentors", {"added": [], "removed": ["cora"]})


async def test_a_host_s_word_makes_a_viewer_more(caller: Caller, program: str, node: Running, token: MakeToken) -> None:
    path = await created(caller("meera", "mentor"), program, "open")
    id = path.rsplit("/", 1)[1]
    room = f"session:{id}"
    module: Any = next(one for one in node.gateway.modules if one.name == "live")
    promotions = Promotions(module.kernel, records=False)
    async with connected(node.ws_url, token("enid")) as enid:
        await enid.join(room)
        for role in ("speaker", "cohost", "viewer"):
            async with node.gateway.database.transaction():
                assert await promotions.make(id, "enid", role)
            left = await enid.expect_push("left", room)
            assert left["data"] == {"code": "live.role", "rejoin": True}
            await enid.join(room)
            assert await module.access.authorizer.role(await _principal(node, token("enid")), id) == role


async def _principal(node: Running, token: str) -> Any:
    return await node.gateway.verifier.verify(token)
