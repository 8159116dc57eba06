"""A subscription or a publish that NATS refuses hurts whoever caused it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from devstack.guard import Guard
from gateway.bus.connection import NatsBus
from gateway.errors import Code, KsmpError, Unavailable
from gateway.protocol.names import room_name
from ksmp_testkit import eventually
from tests.bus.own_server import OwnServer, denied
from tests.realtime.node import Node, node


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[OwnServer]:
    async with OwnServer(tmp_path_factory.mktemp("own"), servers_guard, **denied()) as running:
        yield running


@pytest.fixture
async def here(server: OwnServer) -> AsyncIterator[Node]:
    if server.extra:
        await server.restart()
    async with node([server.url]) as running:
        yield running


async def test_a_room_over_the_limit_of_subscriptions_is_refused_and_the_others_go_on(
    server: OwnServer, here: Node
) -> None:
    held = len(here.bus.client._subs)
    await server.restart(max_subscriptions=held + 8)
    await eventually(lambda: here.bus.up)
    # A room has two subscriptions.
    viewers = {f"test:{number}": await here.viewer(f"test:{number}") for number in range(4)}
    with pytest.raises(Unavailable):
        await here.viewer("test:late")
    assert here.bus.state == "ok"
    for room, viewer in viewers.items():
        await here.say(room, "on")
        await eventually(lambda viewer=viewer: viewer.texts == ["on"], "the message")
    await server.restart()
    await eventually(lambda: here.bus.up)
    await here.viewer("test:late")


async def test_a_room_that_may_not_be_heard_is_refused_until_it_may(server: OwnServer, here: Node) -> None:
    await server.reload(**denied(subscribe=["rooms.out.test.secret"]))
    await eventually(lambda: here.bus.up)
    with pytest.raises(Unavailable):
        await here.viewer("test:secret")
    viewer = await here.viewer("test:open")
    await here.say("test:open", "a")
    await eventually(lambda: viewer.texts == ["a"], "the message")
    await server.reload()
    await here.viewer("test:secret")


async def test_members_of_a_room_that_is_taken_back_are_told_to_join_again(server: OwnServer, here: Node) -> None:
    viewer, other = await here.viewer("test:secret"), await here.viewer("test:open")
    await server.reload(**denied(subscribe=["rooms.out.test.secret"]))
    await eventually(lambda: here.hub.room("test:secret") is None, "the end of the room")
    assert "test:secret" not in viewer.member.rooms
    await eventually(lambda: here.bus.up and here.hub.room("test:open") is not None)
    await here.say("test:open", "a")
    await eventually(lambda: other.texts == ["a"], "the message")
    await server.reload()
    await eventually(lambda: here.bus.up)
    await viewer.join("test:secret")


async def test_what_every_gateway_must_hear_is_tried_again(server: OwnServer, here: Node) -> None:
    await server.reload(**denied(subscribe=["rooms.poke.>"]))
    await eventually(lambda: here.bus.state == "refused", "the refusal")
    await server.reload()
    await eventually(lambda: here.bus.state == "ok", "the subscription")
    assert any(found.subject == "rooms.poke.>" for found in here.bus.client._subs.values())


async def test_a_publish_that_is_not_permitted_fails_at_once_and_alone(server: OwnServer, here: Node) -> None:
    await server.reload(**denied(publish=["rooms.in.test.secret"]))
    await eventually(lambda: here.bus.up)
    client = here.bus.client
    with pytest.raises(Unavailable) as caught:
        await here.say("test:secret", "a")
    assert "refuses" in caught.value.message
    await here.say("test:open", "a")
    assert here.bus.client is client


async def test_a_message_that_is_too_large_for_nats_is_refused_to_its_sender(server: OwnServer, here: Node) -> None:
    """The limit counts the headers too: a message that is over it by its headers alone would end the connection."""
    client = here.bus.client
    room, limit = room_name("test:large"), client.max_payload
    for size in (limit + 1, limit, limit - 20):
        with pytest.raises(KsmpError) as caught:
            await here.log.publish(room, bytes(size), "id")
        assert caught.value.code == Code.TOO_LARGE
    with pytest.raises(KsmpError) as caught:
        await here.bus.publish("test.large", bytes(limit + 1))
    assert caught.value.code == Code.TOO_LARGE
    with pytest.raises(KsmpError) as caught:
        await here.bus.publish("test large", b"")
    assert caught.value.code == Code.INVALID
    await here.say("test:large", "a")
    assert here.bus.client is client


@pytest.mark.parametrize(
    ("user", "password"),
    [("plain", "simple"), ("a,b", "p,q"), ("a:b", "p@q:/?#[]%"), ("ü", "100%25"), ("with space", "50%")],
)
async def test_any_password_can_be_given(server: OwnServer, user: str, password: str) -> None:
    await server.restart(authorization={"users": [{"user": user, "password": password}]}, no_auth_user="")
    place = server.url.partition("://")[2]
    for safe in ("", ","):
        bus = NatsBus([f"nats://{quote(user, safe)}:{quote(password, safe)}@{place}"], "test")
        await bus.connect()
        await bus.close()


async def test_a_token_can_be_given(server: OwnServer) -> None:
    await server.restart(authorization={"token": "t,o:k@n%"}, no_auth_user="")
    bus = NatsBus([f"nats://t,o%3Ak%40n%25@{server.url.partition('://')[2]}"], "test")
    await bus.connect()
    await bus.close()
