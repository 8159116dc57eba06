"""The executor: a repeat is answered first, and waits for the log as long as its publish would."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest

from devstack.nats import NatsCluster
from gateway.db.results import CommandResults
from gateway.errors import Code, Refused, Unavailable
from gateway.protocol.messages import ModuleCommand, Published
from gateway.realtime.command_executor import CommandExecutor
from gateway.realtime.command_source import MemberSource
from gateway.realtime.dedup_window import message_id
from gateway.realtime.user_limits import UserLimits
from ksmp_testkit import eventually
from tests.realtime.node import COMMANDS, Node, node


@pytest.fixture
async def here(servers: NatsCluster) -> AsyncIterator[Node]:
    async with node(servers.urls) as running:
        yield running


def executor(here: Node, patience: float) -> CommandExecutor:
    results = CommandResults(here.database, kept=120.0)
    return CommandExecutor(
        here.hub,
        here.history,
        here.rooms,
        here.kinds,
        COMMANDS,
        here.restrictions,
        here.database,
        results,
        UserLimits(1e6, 1e6, 1.0),
        here.metrics,
        page=200,
        patience=patience,
    )


async def cut(here: Node) -> None:
    here.bus.client._transport._io_writer.transport.abort()
    await eventually(lambda: not here.bus.up, "the cut")


async def test_a_repeat_is_known_although_nats_was_away_when_it_came(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    seq = await here.say(room, "a", id=message_id("ada", room, "test.say", "n1"))
    ada = await here.viewer(room, user="ada")
    command = ModuleCommand(cmd="test.say", room=room, nonce="n1")
    await cut(here)
    first = await executor(here, 5.0).execute(MemberSource(ada.member), command)
    assert first == Published(seq, duplicate=True)


async def test_a_repeat_is_answered_although_its_user_has_left(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    seq = await here.say(room, "a", id=message_id("ada", room, "test.say", "n1"))
    ada, _ = await here.viewer(room, user="ada"), await here.viewer(room)
    assert here.joiner.leave(ada.member, room)
    source, runs = MemberSource(ada.member), executor(here, 5.0)
    repeat = ModuleCommand(cmd="test.say", room=room, nonce="n1")
    assert await runs.execute(source, repeat) == Published(seq, duplicate=True)
    with pytest.raises(Refused) as refused:
        await runs.execute(source, msgspec.structs.replace(repeat, nonce="n2"))
    assert refused.value.code == Code.NOT_JOINED


async def test_patience_ends(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    ada = await here.viewer(room, user="ada")
    await here.bus.close()
    started = time.monotonic()
    command = ModuleCommand(cmd="test.say", room=room, nonce="n1")
    with pytest.raises(Unavailable):
        await executor(here, 0.5).execute(MemberSource(ada.member), command)
    assert time.monotonic() - started < 5
