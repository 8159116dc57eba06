"""How large messages may be, and how many a second."""

from __future__ import annotations

import json

import pytest

from gateway.errors import CloseCode, Code
from gateway.protocol.codec import Codec
from gateway.protocol.connection import Answered, ConnectionState, Received, Violation

from .connections import LIMITS, awaiting, code, codecs, connected, give


def sized(codec: Codec, size: int, cmd: str) -> str | bytes:
    """A message of exactly this many bytes."""
    fields = {"cmd": cmd, "token": "x"}
    overhead = len(codec.encode({**fields, "pad": "y" * 1000})) - 1000
    data = codec.encode({**fields, "pad": "y" * (size - overhead)})
    assert abs(len(data) - size) <= 4
    return data.decode() if codec.text else data


@codecs
def test_a_message_over_the_limit_is_too_large(codec: Codec) -> None:
    limit = LIMITS.message_bytes
    assert isinstance(connected(codec).receive(sized(codec, limit - 8, "ping"), 0.0), Received)
    assert code(connected(codec).receive(sized(codec, limit + 8, "ping"), 0.0)) is CloseCode.MESSAGE_TOO_LARGE


@codecs
def test_connect_may_be_larger(codec: Codec) -> None:
    limit = LIMITS.connect_bytes
    assert isinstance(awaiting(codec).receive(sized(codec, limit - 8, "connect"), 0.0), Received)
    assert code(awaiting(codec).receive(sized(codec, limit + 8, "connect"), 0.0)) is CloseCode.MESSAGE_TOO_LARGE


def test_size_is_counted_in_bytes_and_the_limit_itself_is_let_in() -> None:
    message = json.dumps({"cmd": "ping", "pad": "é" * 50}, ensure_ascii=False)
    size = len(message.encode())
    assert size > len(message)
    assert isinstance(connected(message_bytes=size).receive(message, 0.0), Received)
    assert code(connected(message_bytes=size - 1).receive(message, 0.0)) is CloseCode.MESSAGE_TOO_LARGE


def test_over_the_rate_commands_are_refused_with_the_time_to_wait() -> None:
    connection = connected()
    for id in range(1, 41):
        assert isinstance(give(connection, {"id": id, "cmd": "ping"}, 10.0), Received)
        connection.replied(id)
    event = give(connection, {"id": 41, "cmd": "ping"}, 10.0)
    assert code(event) == Code.RATE_LIMITED
    assert isinstance(event, Answered)
    assert event.reply is not None
    assert event.reply.error.temporary is True
    wait = event.reply.error.retry_after
    assert wait is not None
    assert wait == pytest.approx(1 / LIMITS.command_rate)
    assert isinstance(give(connection, {"id": 41, "cmd": "ping"}, 10.0 + wait + 0.001), Received)


def test_far_over_the_rate_is_a_flood() -> None:
    connection = connected()
    events = [give(connection, {"cmd": "ping"}, 10.0) for _ in range(401)]
    assert [type(event) for event in events] == [Received] * 40 + [Answered] * 360 + [Violation]
    assert code(events[-1]) is CloseCode.FLOOD
    assert connection.state is ConnectionState.CLOSED


def test_ten_times_the_rate_for_long_is_a_flood_and_less_is_none() -> None:
    fast, slower = connected(), connected()
    assert any(isinstance(give(fast, {"cmd": "ping"}, index / 250), Violation) for index in range(5000))
    assert not any(isinstance(give(slower, {"cmd": "ping"}, index / 190), Violation) for index in range(5000))


def test_messages_that_are_refused_count_towards_a_flood() -> None:
    connection = connected()
    events = [give(connection, {"cmd": "nope"}, 10.0) for _ in range(401)]
    assert code(events[-1]) is CloseCode.FLOOD


def test_a_retried_connect_is_limited_as_well() -> None:
    connection = awaiting()
    events = [give(connection, {"cmd": "connect", "token": "x"}, 10.0) for _ in range(401)]
    assert code(events[100]) == Code.RATE_LIMITED
    assert code(events[-1]) is CloseCode.FLOOD
