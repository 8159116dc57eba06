"""Hands: the queue, and the hands of users who are gone."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from ksmp_testkit import MakeToken, Running, eventually
from tests.modules.classroom import MENTOR, Replica, datas, do, enter, people, refusal, snapshot


async def test_hands(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "bob", "cleo", "dan") as others:
        bob, cleo, dan = others
        await enter([mentor, ada, *others], room)
        await do(bob, room, "live.raise_hand")
        before = await do(ada, room, "live.raise_hand")
        # A hand that is up keeps its place.
        assert await do(bob, room, "live.raise_hand") == before
        await do(cleo, room, "live.raise_hand")
        assert await refusal(dan, room, "live.raise_hand") == "live.too_many_hands"
        queue = (await snapshot(dan, room))["parts"]["live.hands"]["hands"]
        assert [hand["user"] for hand in queue] == [
            {"id": one, "name": one.capitalize()} for one in ("bob", "ada", "cleo")
        ]
        assert await refusal(ada, room, "live.lower_hand", user="bob") == "forbidden"
        assert await refusal(ada, room, "live.invite", user="ada") == "forbidden"
        assert await refusal(ada, room, "live.lower_hands") == "forbidden"
        assert await refusal(mentor, room, "live.invite", user="dan") == "not_found"
        await do(mentor, room, "live.invite", user="ada")
        await do(mentor, room, "live.lower_hand", user="bob")
        assert await refusal(mentor, room, "live.lower_hand", user="bob") == "not_found"
        await do(dan, room, "live.raise_hand")
        await do(mentor, room, "live.lower_hands")
        await dan.expect_push("live.hands_lowered", room)
        told = [(data["hand"]["user"]["id"], data["hand"]["state"]) for data in datas(dan, "live.hand", room)]
        assert told == [
            *(("bob", "raised"), ("ada", "raised"), ("cleo", "raised")),
            *(("ada", "invited"), ("bob", "lowered"), ("dan", "raised")),
        ]
        revs = [data["rev"] for data in datas(dan, "live.hand", room)]
        assert revs == sorted(set(revs))
        # An invited user still speaks.
        up = (await snapshot(dan, room))["parts"]["live.hands"]["hands"]
        assert [(hand["user"]["id"], hand["state"]) for hand in up] == [("ada", "invited")]
        assert all(left["data"]["code"] == "live.role" for left in ada.pushes("left", room))
        assert len(ada.pushes("left", room)) == 1


async def test_hands_of_those_who_are_gone_are_lowered(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    one, two = nodes
    id = room.removeprefix("session:")
    async with people(one, token, MENTOR, "ada", "eve") as (mentor, ada, eve), people(two, token, "bob") as (bob,):
        await enter([mentor, ada, eve, bob], room)
        replica = Replica(await snapshot(mentor, room))
        for client in (bob, ada, eve):
            await do(client, room, "live.raise_hand")
        await do(mentor, room, "live.invite", user="eve")
        await eve.expect_push("left", room)
        await eve.join(room)
        # What a killed gateway leaves: an open stay, and a node that was seen three seconds ago.
        await database.execute("INSERT INTO live_node VALUES ($1, now() - interval '3 s')", f"killed-{id}")
        await database.execute(
            "INSERT INTO live_stay VALUES ($1, 'dan', $2, now() - interval '1 hour', NULL, 'Dan', false)",
            id,
            f"killed-{id}",
        )
        await database.execute(
            "INSERT INTO live_hand VALUES ($1, 'dan', 'Dan', 'raised', now() - interval '1 hour')", id
        )
        # Ada leaves, and is back on another gateway a moment later.
        await ada.call("leave", room=room)
        async with people(two, token, "ada") as (again,):
            await again.join(room)
            await eve.socket.close()
            lowered = "SELECT user_id FROM live_hand WHERE session_id = $1 AND state = 'lowered' ORDER BY user_id"

            async def gone() -> bool:
                return [row["user_id"] for row in await database.fetch(lowered, id)] == ["dan", "eve"]

            await eventually(gone, "two hands are lowered")
            assert not await database.fetch("SELECT FROM live_promotion WHERE session_id = $1", id)
            await do(mentor, room, "live.lower_hand", user="ada")
            last = await mentor.expect(
                lambda got: (
                    got.get("push") == "live.hand"
                    and got["data"]["hand"]["user"]["id"] == "ada"
                    and got["data"]["hand"]["state"] == "lowered"
                )
            )
            for push in mentor.received:
                replica.apply(push)
            fresh = (await snapshot(again, room))["parts"]["live.hands"]
            assert [hand["user"]["id"] for hand in fresh["hands"]] == ["bob"]
            assert replica.parts["live.hands"] == fresh
            assert fresh["rev"] == last["data"]["rev"]
