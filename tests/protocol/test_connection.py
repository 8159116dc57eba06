"""The server's side of a connection: any input gives one of three events."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import CloseCode, Code
from gateway.protocol.codec import Codec
from gateway.protocol.connection import Answered, ConnectionState, Received
from gateway.protocol.messages import Connect, History, Join, Leave, ModuleCommand, Ping, Refresh

from .connections import COMMANDS, awaiting, code, codecs, commands, connected, give

# Which commands which state takes


@codecs
@commands
def test_before_connect_every_other_command_is_a_violation(codec: Codec, cmd: str) -> None:
    connection = awaiting(codec)
    event = give(connection, {"id": 1, "cmd": cmd, **COMMANDS[cmd]})
    if cmd == "connect":
        assert isinstance(event, Received)
        assert connection.state is ConnectionState.AWAITING
    else:
        assert code(event) is CloseCode.PROTOCOL_ERROR
        assert connection.state is ConnectionState.CLOSED


@codecs
@commands
def test_connected_every_command_but_a_second_connect_is_received(codec: Codec, cmd: str) -> None:
    connection = connected(codec)
    event = give(connection, {"id": 1, "cmd": cmd, **COMMANDS[cmd]})
    if cmd == "connect":
        assert code(event) == Code.CONFLICT
    else:
        assert isinstance(event, Received)
        assert event.command.cmd == cmd
        assert event.command.id == 1
    assert connection.state is ConnectionState.CONNECTED


@codecs
@pytest.mark.parametrize(
    "cmd",
    [pytest.param(cmd) if cmd == "connect" else cmd for cmd in COMMANDS],
)
def test_closed_nothing_is_received(codec: Codec, cmd: str) -> None:
    connection = connected(codec)
    connection.closed()
    connection.connected()
    assert connection.state is ConnectionState.CLOSED
    assert code(give(connection, {"id": 1, "cmd": cmd, **COMMANDS[cmd]})) is CloseCode.PROTOCOL_ERROR


def test_a_failed_connect_may_be_tried_again() -> None:
    connection = awaiting()
    for _ in range(3):
        assert isinstance(give(connection, {"id": 1, "cmd": "connect", "token": "x"}), Received)
        connection.replied(1)
    connection.connected()
    assert isinstance(give(connection, {"id": 1, "cmd": "ping"}), Received)


def test_each_command_becomes_its_own_struct_with_its_fields() -> None:
    connection = connected()

    def read(cmd: str) -> Any:
        event = give(connection, {"cmd": cmd, **COMMANDS[cmd]})
        assert isinstance(event, Received)
        return event.command

    join, history, send = read("join"), read("history"), read("chat.send")
    assert isinstance(join, Join)
    assert join.since is not None
    assert (join.room, join.since.epoch, join.since.seq, join.history) == ("session:1", "e", 3, 10)
    assert isinstance(history, History)
    assert (history.room, history.before, history.limit, history.types) == ("session:1", 9, 5, ["chat.message"])
    assert isinstance(send, ModuleCommand)
    assert (send.cmd, send.room, send.nonce, send.data) == ("chat.send", "session:1", "n-1", {"text": "hi"})
    assert isinstance(read("leave"), Leave)
    assert isinstance(read("ping"), Ping)
    assert isinstance(read("refresh"), Refresh)
    connect = give(awaiting(), {"cmd": "connect", **COMMANDS["connect"]})
    assert isinstance(connect, Received)
    assert isinstance(connect.command, Connect)
    assert connect.command.rooms["session:1"].seq == 3


# What a message must be


@codecs
@pytest.mark.parametrize(
    "value",
    [None, True, 1, 1.5, "connect", [], ["connect"], {}, {"id": 1}, {"cmd": None}, {"cmd": 1}, {"cmd": ["connect"]}],
    ids=repr,
)
def test_what_is_no_command_is_a_violation(codec: Codec, value: Any) -> None:
    assert code(give(connected(codec), value)) is CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("data", ["", "{", "nope", '{"cmd":"ping"} x', "\ud800", "[" * 10_000])
def test_text_that_is_no_json_is_a_violation(data: str) -> None:
    assert code(connected().receive(data, 0.0)) is CloseCode.PROTOCOL_ERROR


BAD_TEXT = {
    "json": (r'{"id":5,"cmd":"chat.send","data":{"text":"\ud83d"}}', r'{"id":6,"cmd":"connect","token":"\udc00"}'),
    "msgpack": (
        b"\x83\xa2id\x05\xa3cmd\xa9chat.send\xa4data\x81\xa4text\xa1\xff",
        b"\x83\xa2id\x06\xa3cmd\xa7connect\xa5token\xa3\xed\xa0\xbd",
    ),
}


@codecs
def test_a_bad_text_is_invalid_and_the_connection_goes_on(codec: Codec) -> None:
    in_command, in_connect = BAD_TEXT["json" if codec.text else "msgpack"]
    for connection, data, id in ((connected(codec), in_command, 5), (awaiting(codec), in_connect, 6)):
        state = connection.state
        event = connection.receive(data, 0.0)
        assert code(event) == Code.INVALID
        assert isinstance(event, Answered)
        assert event.reply is not None
        assert event.reply.id == id
        assert connection.state is state
    # Before `connect` nothing else is answered, whatever its texts.
    assert code(awaiting(codec).receive(in_command, 0.0)) is CloseCode.PROTOCOL_ERROR


@codecs
def test_the_frame_type_must_be_the_subprotocol_s(codec: Codec) -> None:
    data = codec.encode({"cmd": "ping"})
    other = data if codec.text else data.decode("latin-1")
    assert code(connected(codec).receive(other, 0.0)) is CloseCode.PROTOCOL_ERROR


def test_unknown_fields_are_ignored() -> None:
    assert isinstance(give(connected(), {"id": 1, "cmd": "ping", "x": {"y": [1]}, "token": 4}), Received)


@pytest.mark.parametrize("cmd", ["", "nope", "Join", "join ", "a.b.c", "chat.", ".send", "chat.Send", "é", "x" * 200])
def test_a_command_nobody_has_is_answered(cmd: str) -> None:
    connection = connected()
    event = give(connection, {"id": 5, "cmd": cmd})
    assert code(event) == Code.UNKNOWN_COMMAND
    assert isinstance(event, Answered)
    assert event.reply is not None
    assert event.reply.id == 5
    assert connection.state is ConnectionState.CONNECTED


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("refresh", {}),
        ("refresh", {"token": 1}),
        ("join", {}),
        ("join", {"room": None}),
        ("join", {"room": "session:1", "since": 3}),
        ("join", {"room": "session:1", "since": {"epoch": "e"}}),
        ("join", {"room": "session:1", "since": {"epoch": "", "seq": 1}}),
        ("join", {"room": "session:1", "since": {"epoch": "e" * 65, "seq": 1}}),
        ("join", {"room": "session:1", "since": {"epoch": "e", "seq": -1}}),
        ("join", {"room": "session:1", "since": {"epoch": "e", "seq": 1.5}}),
        ("join", {"room": "session:1", "since": {"epoch": "e", "seq": 2**53}}),
        ("join", {"room": "session:1", "since": {"epoch": "e", "seq": True}}),
        ("join", {"room": "session:1", "history": -1}),
        ("join", {"room": "session:1", "history": "10"}),
        ("leave", {"room": ["session:1"]}),
        ("history", {"room": "session:1"}),
        ("history", {"room": "session:1", "before": 1, "limit": 0}),
        ("history", {"room": "session:1", "before": "1"}),
        ("history", {"room": "session:1", "before": 1, "types": "chat.message"}),
        ("history", {"room": "session:1", "before": 1, "types": ["x"] * 21}),
        ("chat.send", {"room": 1}),
        ("chat.send", {"room": "session:1", "nonce": 1}),
    ],
)
def test_a_bad_field_is_answered_invalid(cmd: str, fields: dict[str, Any]) -> None:
    connection = connected()
    assert code(give(connection, {"id": 1, "cmd": cmd, **fields})) == Code.INVALID
    assert connection.state is ConnectionState.CONNECTED
    assert isinstance(give(connection, {"id": 1, "cmd": "ping"}), Received)


def test_a_connect_with_a_bad_field_is_answered_too() -> None:
    connection = awaiting()
    for fields in ({}, {"token": None}, {"token": "x", "client": "c" * 101}, {"token": "x", "rooms": {"a:1": 7}}):
        assert code(give(connection, {"id": 1, "cmd": "connect", **fields})) == Code.INVALID
    assert connection.state is ConnectionState.AWAITING
