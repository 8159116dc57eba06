"""Reactions: each gateway adds up what its members send."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ksmp_testkit import MakeToken, Running, eventually
from ksmp_testkit.socket_client import WireError
from tests.modules.classroom import datas, do, enter, people, refusal, snapshot


async def test_reactions_are_added_up(nodes: Sequence[Running], token: MakeToken, room: str) -> None:
    one, two = nodes
    async with people(one, token, "ada", "bob") as (ada, bob), people(two, token, "cleo") as (cleo,):
        await enter([ada, bob, cleo], room)
        palette = (await snapshot(ada, room))["parts"]["live.reactions"]["emoji"]
        assert "👏" in palette
        for other in ("x", "", "1", "🙂", "\ufe0f", "👍👍"):
            assert await refusal(ada, room, "live.react", emoji=other) == "invalid"
        for client in (ada, bob, cleo):
            for emoji in (*"👏👏👏", "👍"):
                await do(client, room, "live.react", emoji=emoji)

        def total() -> dict[str, int]:
            sums: dict[str, int] = {}
            for data in datas(bob, "live.reactions", room):
                for emoji, count in data["counts"].items():
                    sums[emoji] = sums.get(emoji, 0) + count
            return sums

        await eventually(lambda: total() == {"👏": 9, "👍": 3}, "all reactions")
        assert len(bob.pushes("live.reactions", room)) < 12
        assert all("seq" not in push for push in bob.pushes("live.reactions", room))
        many = await asyncio.gather(
            *(do(ada, room, "live.react", emoji="👍") for _ in range(30)), return_exceptions=True
        )
        assert {one.code for one in many if isinstance(one, WireError)} == {"rate_limited"}


async def test_an_emoji_is_one_whatever_form_a_keyboard_gives_it(
    nodes: Sequence[Running], token: MakeToken, room: str
) -> None:
    async with people(nodes[0], token, "ann", "ben") as (ann, ben):
        await enter([ann, ben], room)
        seq = (await ann.say(room, "hm"))["seq"]
        for emoji, form in (("❤", "❤️"), ("❤\ufe0e", "❤️"), ("❤️", "❤️"), ("👍🏽", "👍"), ("👍\ufe0f", "👍")):
            await do(ann, room, "live.react", emoji=emoji)
            await ben.expect(lambda one, form=form: form in one.get("data", {}).get("counts", {}))  # type: ignore[misc]
            await ann.call("chat.react", room=room, data={"seq": seq, "emoji": emoji})
        told = (await ann.call("live.snapshot", room=room))["parts"]["chat.messages"]["reactions"]
        assert [one["counts"] for one in told] == [{"❤️": 1, "👍": 1}]
