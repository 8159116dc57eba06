"""Whatever ends the connection to NATS, the bus has another one, with all that the first had."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import nats
import pytest
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from devstack.guard import Guard
from gateway.bus import client as client_module
from gateway.bus.connection import NatsBus
from gateway.errors import KsmpError, Unavailable
from ksmp_testkit import eventually
from tests.bus.own_server import OwnServer, Proxy, proxied


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[OwnServer]:
    async with OwnServer(tmp_path_factory.mktemp("own"), servers_guard, write_deadline="200ms") as running:
        yield running


@dataclass
class Held:
    """A bus with one of everything that a gateway has on it."""

    bus: NatsBus
    server: OwnServer
    proxy: Proxy
    name: str
    inline: list[bytes]
    queued: list[bytes]
    backs: list[None]

    async def works(self) -> None:
        """Everything works, over the present connection."""
        bus, body = self.bus, uuid.uuid4().bytes
        await bus.publish(f"{self.name}.inline", body)
        await bus.publish(f"{self.name}.queued", body)
        await eventually(lambda: body in self.inline and body in self.queued, timeout=0.5)
        assert (await bus.request(f"{self.name}.asked", body)).data == body
        await bus.jetstream.publish(f"{self.name}.stored", body)
        pull = await bus.jetstream.pull_subscribe_bind("pull", stream=self.name)
        (message,) = await pull.fetch(1, timeout=5)
        assert message.data == body
        await message.ack()
        await pull.unsubscribe()


@pytest.fixture
async def held(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Held]:
    monkeypatch.setattr(client_module, "PING_INTERVAL", 0.2)
    if server.extra:
        await server.reload()
    async with proxied(server) as proxy:
        bus = NatsBus([proxy.url], "losses")
        await bus.connect()
        found = Held(bus, server, proxy, f"losses-{uuid.uuid4().hex}", [], [], [])

        async def queue(message: Msg) -> None:
            found.queued.append(message.data)

        async def answer(message: Msg) -> None:
            await bus.publish(message.reply, message.data)

        async def back() -> None:
            found.backs.append(None)

        await bus.follow(f"{found.name}.inline", lambda message: found.inline.append(message.data))
        await bus.subscribe(f"{found.name}.queued", queue)
        await bus.subscribe(f"{found.name}.asked", answer)
        bus.on_back(back)
        await bus.jetstream.add_stream(StreamConfig(name=found.name, subjects=[f"{found.name}.stored"]))
        await bus.jetstream.add_consumer(found.name, ConsumerConfig(durable_name="pull", ack_policy=AckPolicy.EXPLICIT))
        await found.works()
        yield found
        await bus.close()


async def fewer_connections(held: Held) -> None:
    """The server picks those that it closes, so there are many others."""
    port = int(held.server.url.rpartition(":")[2])
    while held.bus.up:
        others = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        await held.server.reload(max_connections=1)
        await asyncio.sleep(0.05)
        for other in others:
            other.close()
        if held.bus.up:
            await held.server.reload()
    taken = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
    await asyncio.sleep(0.3)
    await held.server.reload()
    taken.close()


async def another_password(held: Held) -> None:
    await held.server.reload(authorization={"user": "a", "password": "b"})
    await eventually(lambda: not held.bus.up, "the loss")
    await held.server.reload()


async def killed(held: Held) -> None:
    held.server.kill()
    await held.server.died()
    await eventually(lambda: not held.bus.up, "the loss")
    await held.server.start()


async def hung(held: Held) -> None:
    """The server does not read, and what the bus has for it does not fit into the sockets."""
    held.server.kill(signal.SIGSTOP)
    with contextlib.suppress(Unavailable):
        for _ in range(30):
            await held.bus.publish(f"{held.name}.nobody", bytes(500_000))
    await eventually(lambda: not held.bus.up, "the loss")
    held.server.kill(signal.SIGCONT)


async def unread(held: Held) -> None:
    """The server gives up a client that does not read."""
    held.proxy.hold()
    other = await nats.connect(held.server.url)
    for _ in range(60):
        await other.publish(f"{held.name}.inline", bytes(500_000))
        await other.flush()
    await other.close()

    async def given_up() -> bool:
        return bool((await held.server.variables())["slow_consumers"])

    await eventually(given_up, "the server gives up")
    held.proxy.release()
    await eventually(lambda: not held.bus.up or held.backs, "the loss")


def said(line: str, *, close: bool) -> Callable[[Held], Awaitable[None]]:
    async def cause(held: Held) -> None:
        held.proxy.say(line.encode() + b"\r\n")
        if close:
            held.proxy.end()
            await eventually(lambda: not held.bus.up, "the loss")

    return cause


TEXTS = [
    "Unknown Protocol Operation",
    "Authorization Violation",
    "Authorization Timeout",
    "User Authentication Expired",
    "User Authentication Revoked",
    "Account Authentication Expired",
    "maximum connections exceeded",
    "maximum account active connections exceeded",
    "maximum subscriptions exceeded",
    "Maximum Payload Violation",
    "Maximum Control Line Exceeded",
    "Stale Connection",
    "Slow Consumer",
    "Invalid Publish Subject",
    'Permissions Violation for Publish to "a"',
    'Permissions Violation for Subscription to "a"',
    "Server Shutdown",
    "Something new",
    "it's 'quoted'",
]
LINES = ["-ERR", "-ERR ", "-ERR ''", "-ERR bare", "NONSENSE 1 2 3", "INFO {", "PONG", "MSG a b c d e f"]
CAUSES: dict[str, Callable[[Held], Awaitable[None]]] = {
    cause.__name__: cause for cause in (fewer_connections, another_password, killed, hung, unread)
}
CAUSES |= {f"{text}-{close}": said(f"-ERR '{text}'", close=close) for text in TEXTS for close in (False, True)}
CAUSES |= {line: said(line, close=False) for line in LINES}


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES.keys())
async def test_the_bus_is_up_again_with_all_it_had(held: Held, cause: Callable[[Held], Awaitable[None]]) -> None:
    await cause(held)
    await eventually(lambda: held.bus.up, "the connection again")

    async def works() -> bool:
        try:
            await held.works()
        except (KsmpError, nats.errors.Error, AssertionError):
            # What was sent before the loss was noticed is lost.
            return False
        return True

    await eventually(works, "everything again")
    await eventually(lambda: held.bus.state == "ok", "nothing refused")
    for heard in (held.inline, held.queued):
        assert len(set(heard)) == len(heard)
