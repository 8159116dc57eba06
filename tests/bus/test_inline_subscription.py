"""Subscriptions without a queue, on a real server. They use private attributes of nats-py, which may change."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from nats.aio.msg import Msg
from structlog.testing import capture_logs

from gateway.bus.connection import NatsBus
from ksmp_testkit import eventually


@pytest.fixture
async def bus(nats: tuple[str, ...]) -> AsyncIterator[NatsBus]:
    bus = NatsBus(nats, "test")
    await bus.connect()
    yield bus
    await bus.close()


@pytest.fixture
def subject() -> str:
    return f"test.{uuid.uuid4().hex}"


async def test_messages_are_handled_in_order_as_they_are_read(bus: NatsBus, subject: str) -> None:
    heard: list[bytes] = []
    await bus.follow(subject, lambda message: heard.append(message.data))
    for number in range(1000):
        await bus.publish(subject, b"%d" % number)
    await eventually(lambda: len(heard) == 1000, "all of them")
    assert heard == [b"%d" % number for number in range(1000)]


async def test_a_handler_that_fails_costs_one_message(bus: NatsBus, subject: str) -> None:
    heard: list[bytes] = []

    def handle(message: Msg) -> None:
        if message.data == b"bad":
            raise ValueError("bad")
        heard.append(message.data)

    await bus.follow(subject, handle)
    for body in (b"1", b"bad", b"2"):
        await bus.publish(subject, body)
    await eventually(lambda: heard == [b"1", b"2"], "the one after it")


async def test_a_handler_with_a_queue_that_fails_is_logged_with_its_traceback(bus: NatsBus, subject: str) -> None:
    heard: list[bytes] = []

    async def handle(message: Msg) -> None:
        if message.data == b"bad":
            raise ValueError("bad")
        heard.append(message.data)

    with capture_logs() as logs:
        await bus.subscribe(subject, handle)
        for body in (b"1", b"bad", b"2"):
            await bus.publish(subject, body)
        await eventually(lambda: heard == [b"1", b"2"], "the one after it")
    (line,) = [line for line in logs if line["event"] == "bus.handler_failed"]
    assert isinstance(line["exc_info"], ValueError)


async def test_it_stands_again_after_a_reconnect(bus: NatsBus, subject: str) -> None:
    heard: list[bytes] = []
    await bus.follow(subject, lambda message: heard.append(message.data))
    bus.client._transport._io_writer.transport.abort()
    await eventually(lambda: not bus.up, "the cut")
    await eventually(lambda: bus.up, "the connection again")
    await bus.publish(subject, b"after")
    await eventually(lambda: heard == [b"after"], "what came after it")


async def test_who_lets_go_hears_nothing_more(bus: NatsBus, subject: str) -> None:
    heard: list[bytes] = []
    subscription = await bus.follow(subject, lambda message: heard.append(message.data))
    await bus.publish(subject, b"1")
    await eventually(lambda: heard == [b"1"], "the first")
    await bus.unfollow(subscription)
    await bus.publish(subject, b"2")
    await bus.client.settle()
    assert heard == [b"1"]
    assert subscription not in bus.client._subs.values()
