"""The lobby: viewers wait there until a host admits them."""

from __future__ import annotations

from collections.abc import Sequence

from ksmp_testkit import MakeToken, Running
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
