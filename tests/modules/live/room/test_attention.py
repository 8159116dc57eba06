"""Attention: hosts who ask for it see whose page is hidden."""

from __future__ import annotations

from collections.abc import Sequence

from ksmp_testkit import MakeToken, Running, eventually
from ksmp_testkit.socket_client import Message
from tests.modules.classroom import MENTOR, do, people, refusal, snapshot, staff


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
