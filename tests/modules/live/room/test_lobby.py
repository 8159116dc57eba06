"""The lobby: viewers wait there until a host admits them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from ksmp_testkit import CreateSession, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, WireError
from modules.programs.events import PartLost
from tests.modules.classroom import MENTOR, do, lobby, people, refusal, refused, snapshot, staff


async def test_viewers_wait_in_the_lobby(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    users = ("ada", "bob", "cleo", "dan")
    async with people(one, token, MENTOR) as (mentor,), people(two, token, *users) as (ada, bob, cleo, dan):
        await mentor.join(room)
        await mentor.join(staff(room))
        await ada.join(room)
        assert await refusal(ada, room, "live.configure", lobby=True) == "forbidden"
        await do(mentor, room, "live.configure", lobby=True)
        # A user who was in the room stays admitted, and may come back.
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


async def test_who_was_kept_out_knocks_again(
    nodes: Sequence[Running], token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    one, two = nodes
    session = await create_session()
    room = f"session:{session}"
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "ada", "eve") as (tab, eve):
        await mentor.join(room)
        await mentor.join(staff(room))
        # Invited to speak, and away when the option is turned on.
        await database.execute("INSERT INTO live_promotion VALUES ($1, 'eve', 'speaker')", session)
        await do(mentor, room, "live.configure", lobby=True)
        await do(mentor, room, "live.promote", user="eve", role="viewer")
        await eventually_refused(eve, room, "")

        async def wait_outside() -> None:
            for client in (ada, tab):
                assert await refused(client, room) == "live.lobby"
            await tab.join(lobby(room))
            await do(tab, lobby(room), "live.knock")
            assert await waiting() == ["ada"]

        async def waiting() -> list[str]:
            guests = (await snapshot(mentor, staff(room)))["parts"]["live.guests"]["guests"]
            return [guest["user"]["id"] for guest in guests]

        await wait_outside()
        # One who waits leaves the list, and one who was admitted waits again.
        for admitted, command, scope in (
            (False, "kick", "session"),
            (True, "kick", "session"),
            (True, "ban", "session"),
            (True, "ban", "program"),
        ):
            if admitted:
                await do(mentor, room, "live.admit", user="ada")
                await ada.join(room)
            where = {} if command == "kick" else {"scope": scope}
            await do(mentor, room, f"live.{command}", user="ada", **where)
            assert await waiting() == []
            await eventually_refused(tab, room, "forbidden")
            await do(mentor, room, "live.unban", user="ada", scope=scope)
            await eventually_refused(tab, room, "live.lobby")
            await wait_outside()
        removed = mentor.pushes("live.guests_changed", staff(room))
        assert [one["data"]["guests"][0]["state"] for one in removed][:2] == ["waiting", "removed"]
        # A co-host who is a viewer again has been admitted.
        for role in ("cohost", "viewer"):
            await do(mentor, room, "live.promote", user="ada", role=role)
            assert await waiting() == []
            await eventually_refused(tab, room, "")
        # Who was turned out of the program and is enrolled again knocks again.
        program = await database.fetchval("SELECT program_id FROM live_session WHERE id = $1", session)
        await database.execute("UPDATE program SET open_to_all = false WHERE id = $1", program)
        await one.publish_event(PartLost(program, "ada", "student"))
        await one.events_handled("live.leave_lobby")
        await database.execute("UPDATE program SET open_to_all = true WHERE id = $1", program)
        await eventually_refused(tab, room, "live.lobby")


async def eventually_refused(client: WireClient, room: str, code: str) -> None:
    """Other gateways hear of a kick, of its end and of a new role a moment later."""
    async with asyncio.timeout(10):
        while True:
            try:
                if await refused(client, room) == code:
                    return
            except WireError as error:
                # Taken out between joining and leaving.
                if error.code != "not_joined":
                    raise
            await asyncio.sleep(0.05)
