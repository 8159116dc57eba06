"""Ids in flight, and nonces."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import CloseCode, Code
from gateway.protocol.codec import Codec
from gateway.protocol.connection import Answered, Received
from gateway.protocol.messages import ModuleCommand
from gateway.protocol.names import MAX_ID

from .connections import code, codecs, connected, give

# Ids


@codecs
@pytest.mark.parametrize("id", [1, 2**31, MAX_ID])
def test_ids(codec: Codec, id: int) -> None:
    event = give(connected(codec), {"id": id, "cmd": "ping"})
    assert isinstance(event, Received)
    assert event.command.id == id


@codecs
@pytest.mark.parametrize("id", [0, -1, 2**53, 2**63, 1.0, 1.5, True, False, "1", [], {}], ids=repr)
def test_no_ids(codec: Codec, id: Any) -> None:
    assert code(give(connected(codec), {"id": id, "cmd": "ping"})) is CloseCode.PROTOCOL_ERROR


def test_a_null_id_is_no_id() -> None:
    event = give(connected(), {"id": None, "cmd": "ping"})
    assert isinstance(event, Received)
    assert event.command.id is None


def test_an_id_is_in_flight_until_it_is_replied() -> None:
    connection = connected()
    assert isinstance(give(connection, {"id": 7, "cmd": "ping"}), Received)
    event = give(connection, {"id": 7, "cmd": "leave", "room": "session:1"})
    assert code(event) == Code.CONFLICT
    assert isinstance(give(connection, {"id": 8, "cmd": "ping"}), Received)
    connection.replied(7)
    assert isinstance(give(connection, {"id": 7, "cmd": "ping"}), Received)
    assert code(give(connection, {"id": 8, "cmd": "ping"})) == Code.CONFLICT


def test_a_refused_command_leaves_its_id_free() -> None:
    connection = connected()
    assert code(give(connection, {"id": 7, "cmd": "nope"})) == Code.UNKNOWN_COMMAND
    assert isinstance(give(connection, {"id": 7, "cmd": "ping"}), Received)


def test_a_refused_command_without_an_id_gets_no_reply() -> None:
    event = give(connected(), {"cmd": "nope"})
    assert event == Answered(None, "nope", Code.UNKNOWN_COMMAND)


def test_commands_without_an_id_are_never_in_conflict() -> None:
    connection = connected(command_burst=100, commands_in_flight=2)
    assert all(isinstance(give(connection, {"cmd": "ping"}), Received) for _ in range(10))


def test_commands_in_flight_have_a_limit() -> None:
    connection = connected(commands_in_flight=2)
    assert isinstance(give(connection, {"id": 1, "cmd": "ping"}), Received)
    assert isinstance(give(connection, {"id": 2, "cmd": "ping"}), Received)
    event = give(connection, {"id": 3, "cmd": "ping"})
    assert code(event) == Code.RATE_LIMITED
    assert isinstance(event, Answered)
    assert event.reply is not None
    assert event.reply.error.retry_after
    connection.replied(1)
    assert isinstance(give(connection, {"id": 3, "cmd": "ping"}), Received)


# Nonces


@pytest.mark.parametrize("nonce", ["a", "A_z.0:9-", "x" * 64, None])
def test_nonces(nonce: str | None) -> None:
    event = give(connected(), {"id": 1, "cmd": "chat.send", "nonce": nonce})
    assert isinstance(event, Received)
    assert isinstance(event.command, ModuleCommand)
    assert event.command.nonce == nonce


@pytest.mark.parametrize("nonce", ["", "x" * 65, "a b", "é", "a\n", "a\r\nNats-Rollup: all", 1, True, ["a"]], ids=repr)
def test_no_nonces(nonce: Any) -> None:
    assert code(give(connected(), {"id": 1, "cmd": "chat.send", "nonce": nonce})) == Code.INVALID
