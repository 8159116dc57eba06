"""A gateway process that was stopped for longer than any deadline goes on: what came in time counts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack.guard import Guard
from ksmp_testkit import MakeGateway, MakeSettings, MakeToken
from ksmp_testkit.socket_client import connected
from tests.peer import PING, PONG, Peer, command, frame
from tests.target import Target, targeted

SILENCE = 1.2
SHORT = {
    "ping_interval": 0.4,
    "ping_timeout": 0.4,
    "connect_timeout": 1.0,
    "header_timeout": 1.0,
    "body_timeout": 1.0,
    "presence_silence": SILENCE,
}
HEAD = b"POST /api/v1/nowhere HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"


@pytest.fixture
async def target(settings: MakeSettings, tmp_path: Path, servers_guard: Guard) -> AsyncIterator[Target]:
    async with targeted(settings, tmp_path, servers_guard, **SHORT) as target:
        yield target


def answered_in_time(target: Target, token: str, room: str) -> None:
    """Stop the gateway while it waits for a pong, a `connect`, a head and a body, and send them then."""
    assert target.process.pid is not None
    pid = target.process.pid
    with Peer(target.port) as member:
        assert "connection" in member.signed_in(token)
        member.send(command("join", 2, room=room))
        ping = pinged_once_shown(member, "ada")
        # These come last: each has less time than it may have taken to show Ada.
        with Peer(target.port) as new, Peer(target.port) as head, Peer(target.port) as body:
            assert new.upgrade() == 101
            head.send(HEAD)
            body.send(HEAD + b"\r\n")
            os.kill(pid, signal.SIGSTOP)
            try:
                member.send(frame(PONG, ping))
                new.send(command("connect", 1, token=token))
                head.send(b"\r\n{}")
                body.send(b"{}")
                # Longer than every deadline.
                assert not member.cut_off(2.0)
            finally:
                os.kill(pid, signal.SIGCONT)
            assert head.status() == 404
            assert body.status() == 404
            reply = new.message()
            assert reply is not None
            assert "ok" in reply
        # Whoever is on another node, which did speak meanwhile, is still there.
        member.send(command("presence", 3, room=room))
        while (message := member.message()) is not None and message.get("id") != 3:
            assert "ada" not in message.get("data", {}).get("leave", ())
        assert message is not None, member.codes
        assert "ada" in str(message["ok"])


def pinged_once_shown(member: Peer, user: str) -> bytes:
    """The first ping after `user`, a member on another node, was shown: the next beat of presence does that."""
    shown = False
    while (one := member.next()) is not None:
        opcode, payload = one
        shown = shown or f'"id":"{user}"'.encode() in payload
        if opcode == PING:
            if shown:
                return payload
            member.send(frame(PONG, payload))
    raise AssertionError(member.codes)


async def test_what_came_while_the_gateway_was_stopped_is_read_before_it_is_judged(
    target: Target, gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    async with gateway(presence_silence=SILENCE) as other, connected(other.ws_url, token("ada")) as ada:
        await ada.call("join", room=room)
        await asyncio.to_thread(answered_in_time, target, token("bob"), room)
