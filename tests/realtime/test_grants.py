"""Grants while a room's owner cannot answer: those of this node, and those of other nodes."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest
from nats.aio.msg import Msg

from devstack.nats import NatsCluster
from gateway.contract import Granted
from gateway.errors import Refused, Unavailable, forbidden
from gateway.principal import Principal, Role
from gateway.protocol.messages import History
from gateway.protocol.names import RoomName
from gateway.realtime.command_source import MemberSource
from gateway.realtime.core_commands import CoreCommands
from gateway.realtime.grants import ASKED, GrantKey, HeldGrant
from tests.realtime.node import Node, node

ADA = Principal(id="ada", name="Ada", role=Role.STUDENT, expires_at=2**50)
AWAY = Unavailable("the database is away")


@pytest.fixture
async def here(servers: NatsCluster) -> AsyncIterator[Node]:
    # A busy machine takes longer than the default to answer.
    async with node(servers.urls, grant_wait=2.0) as running:
        yield running


@pytest.fixture
async def there(servers: NatsCluster) -> AsyncIterator[Node]:
    async with node(servers.urls) as running:
        yield running


@pytest.fixture
def room() -> RoomName:
    return RoomName("test", uuid.uuid4().hex)


async def test_another_node_s_grant_is_taken_and_kept(here: Node, there: Node, room: RoomName) -> None:
    assert await there.grants.role(ADA, room) == "member"
    here.owner = AWAY
    assert await here.grants.role(ADA, room) == "member"
    # It still holds when the node that sent it is gone.
    await there.bus.close()
    assert await here.grants.role(ADA, room) == "member"


async def test_only_for_this_user_role_and_room(here: Node, there: Node, room: RoomName) -> None:
    await there.grants.role(ADA, room)
    here.owner = AWAY
    others = [
        (msgspec.structs.replace(ADA, id="bob"), room),
        (msgspec.structs.replace(ADA, role=Role.ADMIN), room),
        (ADA, RoomName("test", "another")),
    ]
    for principal, name in others:
        with pytest.raises(Unavailable, match="the database is away"):
            await here.grants.role(principal, name)


async def test_the_owner_s_word_is_the_last_while_it_has_one(here: Node, there: Node, room: RoomName) -> None:
    await there.grants.role(ADA, room)
    here.owner = forbidden("you are not in this class any more")
    with pytest.raises(Refused):
        await here.grants.role(ADA, room)


async def test_a_grant_grows_no_younger_on_its_way(servers: NatsCluster, here: Node, room: RoomName) -> None:
    async with node(servers.urls, grant_stale=1000.0, grant_fresh=0.0, grant_wait=5.0) as strict:
        strict.owner = AWAY
        told = 900.0

        async def tell(message: Msg) -> None:
            asked = msgspec.json.decode(message.data, type=GrantKey)
            assert asked == GrantKey("ada", "student", str(room), "Ada")
            await message.respond(msgspec.json.encode(HeldGrant("member", told)))

        await here.bus.subscribe(ASKED, tell)
        await here.bus.client.flush()
        assert await strict.grants.role(ADA, room) == "member"
        (grant,) = strict.grants._granted.values()
        assert time.monotonic() - grant.at >= 900.0
        # A grant that is too old by now is not used.
        strict.grants._granted.clear()
        told = 1000.5
        with pytest.raises(Unavailable):
            await strict.grants.role(ADA, room)


async def test_a_node_tells_of_no_grant_that_it_would_not_use_itself(
    servers: NatsCluster, here: Node, room: RoomName
) -> None:
    async with node(servers.urls, grant_stale=0.0) as forgetful:
        await forgetful.grants.role(ADA, room)
        here.owner = AWAY
        with pytest.raises(Unavailable):
            await here.grants.role(ADA, room)


async def test_without_the_bus_it_is_the_owner_who_is_away(here: Node, room: RoomName) -> None:
    here.owner = AWAY
    await here.bus.close()
    with pytest.raises(Unavailable, match="the database is away"):
        await here.grants.role(ADA, room)


async def test_who_sees_a_part_of_a_room_is_shown_no_more_of_it(here: Node, there: Node, room: RoomName) -> None:
    name = str(room)
    first = await here.rooms.read(name, await here.say(name, "old"))
    assert first is not None
    # In another millisecond than the first.
    while True:
        seq = await here.say(name, "new")
        since = await here.rooms.read(name, seq)
        assert since is not None
        if since.at > first.at:
            break
    for one in (here, there):
        one.owner = Granted("member", since.at)
    await here.say(name, "newest")
    joined = await here.viewer(name, history=50)
    assert joined.texts == ["new", "newest"]
    # Neither does who was here before, and left.
    assert (await joined.join(name, since=here.position(first.seq))).recovered
    assert joined.texts == ["new", "newest"]
    commands = CoreCommands(here.hub, here.history, here.restrictions, 50)
    caller = await MemberSource(joined.member).caller(room)
    page = await commands.run(caller, History(cmd="history", id=1, room=name, before=10**9, limit=50))
    assert ([push.seq for push in page.messages], page.more) == ([since.seq, since.seq + 1], False)
    page = await commands.run(caller, History(cmd="history", id=1, room=name, before=10**9, limit=1))
    assert ([push.seq for push in page.messages], page.more) == ([since.seq + 1], True)
    # Another node holds it as well.
    here.owner = Granted("member", since.at)
    granted = await here.grants.grant(ADA, room)
    there.owner = AWAY
    assert await there.grants.grant(ADA, room) == granted == Granted("member", since.at)
