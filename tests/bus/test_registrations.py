"""What comes or goes, or fails, while the subscriptions are being given to the server; on a real server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gateway.bus.client import NatsClient
from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable
from ksmp_testkit import eventually


class Gate:
    """Holds up the next call of `register`, or has it fail as when the server answers too late."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shut = ""
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.fails = 0
        real = NatsClient.register

        async def register(
            client: NatsClient, subscriptions: Sequence[Subscription], *, again: bool = False
        ) -> list[Subscription]:
            shut, self.shut = self.shut, ""
            if shut == "before":
                await self._wait()
            if self.fails and again:
                self.fails -= 1
                raise errors.TimeoutError
            refused = await real(client, subscriptions, again=again)
            if shut == "after" and again:
                await self._wait()
            elif shut == "after":
                self.shut = shut
            return refused

        monkeypatch.setattr(NatsClient, "register", register)

    async def _wait(self) -> None:
        self.reached.set()
        await self.open.wait()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
async def bus(nats: tuple[str, ...]) -> AsyncIterator[NatsBus]:
    bus = NatsBus(nats, "test")
    await bus.connect()
    yield bus
    await bus.close()


@pytest.fixture
def subject() -> str:
    return f"test.{uuid.uuid4().hex}"


async def test_a_subscription_that_comes_while_a_reconnect_registers_is_made(
    bus: NatsBus, gate: Gate, subject: str
) -> None:
    heard: list[bytes] = []

    async def handle(message: Msg) -> None:
        heard.append(message.data)

    gate.shut = "after"
    bus.client.cut()
    await asyncio.wait_for(gate.reached.wait(), 10)
    await bus.subscribe(subject, handle)
    gate.open.set()
    await bus.wait_up(10)
    await bus.publish(subject, b"a")
    await eventually(lambda: heard == [b"a"], "the message")


@pytest.mark.parametrize("shares", [False, True])
async def test_a_follower_that_goes_away_before_it_is_registered_leaves_nothing(
    bus: NatsBus, gate: Gate, subject: str, shares: bool
) -> None:
    heard: list[str] = []

    def follow(name: str) -> asyncio.Task[object]:
        return asyncio.create_task(
            bus.follow(f"{subject}.{name}", lambda message: heard.append(message.subject.rpartition(".")[2]))
        )

    gate.shut = "before"
    first = follow("first")
    await asyncio.wait_for(gate.reached.wait(), 10)
    gone = first
    if shares:
        # It waits for the registration after this one.
        gone = follow("gone")
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    gate.open.set()
    await follow("last")
    for name in ("first", "gone", "last"):
        await bus.publish(f"{subject}.{name}", b"")
    await eventually(lambda: "last" in heard, "the message")
    assert heard == (["first", "last"] if shares else ["last"])


async def test_a_doubt_outlives_an_attempt_that_fails(bus: NatsBus, gate: Gate, subject: str) -> None:
    heard: list[bytes] = []
    subscription = await bus.follow(subject, lambda message: heard.append(message.data))
    client = bus.client
    await client._send_unsubscribe(subscription._id)
    gate.fails = 1
    client._on_doubt()

    async def again() -> bool:
        await bus.publish(subject, b"a")
        return bool(heard)

    await eventually(again, "the subscription")
    assert not gate.fails
    assert bus.client is client


async def test_a_connection_that_cannot_be_given_its_subscriptions_is_cut(nats: tuple[str, ...], gate: Gate) -> None:
    bus = NatsBus(nats, "test")
    gate.fails = 1
    with pytest.raises(Unavailable):
        await bus.connect()
    assert bus.client.ended.done()
