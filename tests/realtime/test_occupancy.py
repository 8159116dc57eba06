"""Which rooms somebody is in: the nodes are asked, and one that does not answer has nobody."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from devstack.nats import NatsCluster
from ksmp_testkit import eventually
from tests.realtime.node import Node, node


@pytest.fixture
async def here(servers: NatsCluster) -> AsyncIterator[Node]:
    async with node(servers.urls) as running:
        yield running


async def test_a_room_is_occupied_wherever_its_member_is(servers: NatsCluster, here: Node) -> None:
    mine, theirs, empty = (f"test:{uuid.uuid4().hex}" for _ in range(3))
    await here.occupancy.start()
    async with node(servers.urls) as other:
        await other.occupancy.start()
        await here.viewer(mine)
        await other.viewer(theirs)

        async def both() -> bool:
            return await here.rooms.occupied([mine, theirs, empty]) == {mine, theirs}

        await eventually(both, "the other node answers")
    # The other node is gone, and with it who was there.
    assert await here.rooms.occupied([mine, theirs, empty]) == {mine}
    assert await here.rooms.occupied([]) == set()
