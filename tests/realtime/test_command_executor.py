"""A command that may be a repeat waits for the log as long as its publish would."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator

import pytest

from devstack.nats import NatsCluster
from gateway.db.results import CommandResults
from gateway.errors import Unavailable
from gateway.principal import Principal, Role
from gateway.protocol.messages import ModuleCommand
from gateway.realtime.command_executor import CommandExecutor
from gateway.realtime.dedup_window import message_id
from tests.realtime.node import Node, eventually, node

ADA = Principal(id="ada", name="Ada", role=Role.STUDENT, expires_at=2**50)


@pytest.fixture
async def here(servers: NatsCluster) -> AsyncIterator[Node]:
    async with node(servers.urls) as running:
        yield running


def executor(here: Node, patience: float) -> CommandExecutor:
    results = CommandResults(here.database, kept=120.0)
    return CommandExecutor(
        here.hub, here.history, here.rooms, {}, {}, here.restrictions, here.database, results, 200, patience
    )


async def cut(here: Node) -> None:
    here.bus.client._transport._io_writer.transport.abort()
    await eventually(lambda: not here.bus.up, "the cut")


async def test_a_repeat_is_known_although_nats_was_away_when_it_came(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    seq = await here.say(room, "a", id=message_id("ada", room, "test.say", "n1"))
    await here.viewer(room)
    command = ModuleCommand(cmd="test.say", room=room, nonce="n1")
    await cut(here)
    first = await executor(here, 5.0).repeated(ADA, command)
    assert first is not None
    assert first.seq == seq


async def test_patience_ends(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    await here.viewer(room)
    await here.bus.close()
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await executor(here, 0.5).repeated(ADA, ModuleCommand(cmd="test.say", room=room, nonce="n1"))
    assert time.monotonic() - started < 5
