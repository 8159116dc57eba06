"""Members whose connections are reset while messages are sent: the other members miss nothing."""

from __future__ import annotations

import asyncio
import socket
import struct

from ksmp_testkit import MakeToken
from tests.peer import Peer, command
from tests.target import Target

from .conftest import MakePair

ROUNDS = 6
MEMBERS = 60
RESET = struct.pack("ii", 1, 0)


def cut_off(target: Target, tokens: list[str], room: str) -> None:
    """Members join, and are cut off one after the other, while messages are being written to them."""
    peers = [Peer(target.port) for _ in tokens]
    try:
        for peer, token in zip(peers, tokens, strict=True):
            peer.signed_in(token)
            assert peer.call("join", room=room)["room"] == room
        for place, peer in enumerate(peers):
            # One that stays speaks, so that a message is on its way while the next one goes.
            peers[-1].send(command("chat.send", room=room, data={"text": f"over {place}"}))
            peer.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            peer.link.close()
    finally:
        for peer in peers:
            peer.link.close()


async def test_members_that_are_cut_off_take_nothing_from_the_others(
    target: Target, token: MakeToken, beside: MakePair
) -> None:
    async with beside(target) as pair:
        for number in range(ROUNDS):
            tokens = [token(f"cut-{number}-{place}") for place in range(MEMBERS)]
            await asyncio.to_thread(cut_off, target, tokens, pair.room)
        await target.settles(2)
    text = target.log.read_text()
    assert "fanout.write_failed" not in text
    assert "Traceback" not in text
