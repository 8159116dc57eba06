"""Pages of a room's past."""

from __future__ import annotations

from ksmp_testkit import MakeToken, Running
from ksmp_testkit.socket_client import connected

from .calls import codecs, fails, fill


@codecs
async def test_history_pages_back_to_the_beginning(node: Running, token: MakeToken, room: str, codec: str) -> None:
    async with connected(node.ws_url, token("one"), codec) as client:
        await client.join(room)
        seqs = await fill(client, room, 11)
        before, pages = seqs[-1] + 1, []
        while True:
            page = await client.call("history", room=room, before=before, limit=4)
            pages.append([message["seq"] for message in page["messages"]])
            assert pages[-1] == sorted(pages[-1])
            if not page["more"]:
                break
            before = pages[-1][0]
        assert pages == [seqs[7:11], seqs[3:7], seqs[:3]]


async def test_history_in_whole_pages_ends_without_an_empty_one(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.join(room)
        seqs = await fill(client, room, 4)
        page = await client.call("history", room=room, before=seqs[2], limit=2)
        assert ([one["seq"] for one in page["messages"]], page["more"]) == (seqs[:2], False)
        for before in (seqs[0], 0, 1):
            assert await client.call("history", room=room, before=before) == {"messages": [], "more": False}
        page = await client.call("history", room=room, before=2**53 - 1)
        assert [one["seq"] for one in page["messages"]] == seqs


async def test_history_of_some_types(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await client.join(room)
        seqs = await fill(client, room, 6)
        deleted = [(await client.call("chat.delete", room=room, data={"seq": seq}))["seq"] for seq in seqs[1:3]]
        end = deleted[-1] + 1

        async def pages(*types: str) -> list[int]:
            before, found = end, []
            for _ in range(10):
                page = await client.call("history", room=room, before=before, limit=1, types=list(types))
                found += [one["seq"] for one in page["messages"]]
                if not page["more"]:
                    return found[::-1]
                before = found[-1]
            raise AssertionError("paging did not end")

        assert await pages("chat.message") == [seqs[0], *seqs[3:]]
        assert await pages("chat.deleted") == deleted
        assert await pages("chat.message", "chat.deleted") == [seqs[0], *seqs[3:], *deleted]
        assert await pages("poll.opened") == []
        assert await pages() == []


async def test_what_history_refuses(node: Running, token: MakeToken, room: str) -> None:
    async with connected(node.ws_url, token("one")) as client:
        await fails(client, "not_joined", "history", room=room, before=1)
        await client.join(room)
        await fails(client, "invalid", "history", room=room, before=1, limit=201)
        await fails(client, "invalid", "history", room=room, before=1, limit=0)
        await fails(client, "invalid", "history", room=room, before=-1)
        await fails(client, "invalid", "history", room=room)
        await fails(client, "invalid", "history", room="no room", before=1)
