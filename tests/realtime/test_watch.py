"""A room's owner is called once when a membership begins and once when it ends, whatever ends it."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from devstack.nats import NatsCluster
from ksmp_testkit import eventually
from tests.realtime.node import Node, node


@pytest.fixture
async def watching(servers: NatsCluster, postgres: str) -> AsyncIterator[Node]:
    async with node(servers.urls, postgres, moderated=True) as running:
        yield running


async def test_the_owner_is_told_who_comes_and_goes(watching: Node) -> None:
    id = uuid.uuid4().hex
    room = f"test:{id}"
    join, leave = ("join", "ann", id, "member"), ("leave", "ann", id, "member")
    first = await watching.viewer(room, user="ann")
    second = await watching.viewer(room, user="ann")
    assert watching.watched == [join, join]
    # Joining again does not begin a new membership.
    await first.join(room)
    assert watching.watched == [join, join]
    watching.joiner.leave(first.member, room)
    assert not watching.joiner.leave(first.member, room)
    assert watching.watched == [join, join, leave]
    # A membership ends by leaving, by a closed connection, and by an eviction.
    await first.join(room)
    watching.joiner.leave_all(second.member)
    await watching.rooms.evict(room, "ann", "test.rude")
    await eventually(lambda: not first.member.rooms, "taken out")
    assert watching.watched == [join, join, leave, join, leave, leave]


async def test_what_the_owner_does_wrong_is_no_member_s_concern(watching: Node) -> None:
    id = uuid.uuid4().hex
    room = f"test:{id}"
    ann = await watching.viewer(room, user="ann")
    served = watching.hub.room(room)
    assert served is not None

    def broken(*_: object) -> None:
        raise ValueError("no")

    served.on_join = served.on_leave = broken
    with capture_logs() as logs:
        bob = await watching.viewer(room, user="bob")
        await watching.say(room, "hello")
        await eventually(lambda: ann.texts == ["hello"] == bob.texts, "both are served")
        served.leave(bob.member, time.monotonic())
    lines = [line for line in logs if line["event"] == "room.watch_failed"]
    assert [(line["room"], line["exc_info"]) for line in lines] == [(room, True)] * 2
    assert not bob.member.rooms
