"""Connections for the tests of the protocol, and readers of their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import CloseCode
from gateway.protocol.codec import CODECS, JSON, Codec
from gateway.protocol.connection import Answered, ConnectionLimits, Event, Received, ServerConnection, Violation

LIMITS = ConnectionLimits(
    message_bytes=16 * 1024,
    connect_bytes=64 * 1024,
    command_rate=20.0,
    command_burst=40,
    flood_factor=10.0,
    commands_in_flight=64,
)
# One command of each kind, as a client may write it.
COMMANDS: dict[str, dict[str, Any]] = {
    "connect": {"token": "a.b.c", "client": "web/1", "rooms": {"session:1": {"epoch": "e", "seq": 3}}},
    "refresh": {"token": "a.b.c"},
    "join": {"room": "session:1", "since": {"epoch": "e", "seq": 3}, "history": 10},
    "leave": {"room": "session:1"},
    "history": {"room": "session:1", "before": 9, "limit": 5, "types": ["chat.message"]},
    "ping": {},
    "chat.send": {"room": "session:1", "nonce": "n-1", "data": {"text": "hi"}},
}
codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
commands = pytest.mark.parametrize("cmd", COMMANDS)


def awaiting(codec: Codec = JSON, **limits: Any) -> ServerConnection:
    return ServerConnection(codec, replace(LIMITS, **limits))


def connected(codec: Codec = JSON, **limits: Any) -> ServerConnection:
    connection = awaiting(codec, **limits)
    connection.connected()
    return connection


def give(connection: ServerConnection, value: Any, now: float = 0.0) -> Event:
    """Send a value as this connection's codec writes it."""
    data = connection.codec.encode(value)
    return connection.receive(data.decode() if connection.codec.text else data, now)


def code(event: Event) -> str | CloseCode:
    """The error of a refusal. It fails when the event is no refusal."""
    match event:
        case Answered(reply, _, code):
            assert reply is None or reply.error.code == code
            return code
        case Violation(code, message):
            assert message
            return code
        case Received(command):
            pytest.fail(f"let in: {command}")
