"""The server's side of a connection: whatever comes in, one of three answers comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.errors import CloseCode, Code
from gateway.protocol.codec import CODECS, JSON, MSGPACK, Codec
from gateway.protocol.connection import Answered, Event, Limits, Received, ServerConnection, State, Violation
from gateway.protocol.messages import Connect, History, Join, Leave, ModuleCommand, Ping, Refresh
from gateway.protocol.names import MAX_ID

LIMITS = Limits(
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
    """What a refusal says, checked to be one."""
    match event:
        case Answered(reply, _, code):
            assert reply is None or reply.error.code == code
            return code
        case Violation(code, message):
            assert message
            return code
        case Received(command):
            pytest.fail(f"let in: {command}")


# Which commands which state takes


@codecs
@commands
def test_before_connect_every_other_command_is_a_violation(codec: Codec, cmd: str) -> None:
    connection = awaiting(codec)
    event = give(connection, {"id": 1, "cmd": cmd, **COMMANDS[cmd]})
    if cmd == "connect":
        assert isinstance(event, Received)
        assert connection.state is State.AWAITING
    else:
        assert code(event) is CloseCode.PROTOCOL_ERROR
        assert connection.state is State.CLOSED


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
    assert connection.state is State.CONNECTED


@codecs
@pytest.mark.parametrize(
    "cmd",
    [pytest.param(cmd) if cmd == "connect" else cmd for cmd in COMMANDS],
)
def test_closed_nothing_is_received(codec: Codec, cmd: str) -> None:
    connection = connected(codec)
    connection.closed()
    connection.connected()
    assert connection.state is State.CLOSED
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


@pytest.mark.parametrize("data", ["", "{", "nope", '{"cmd":"ping"} x', '{"cmd":"\\ud800"}', "\ud800", "[" * 10_000])
def test_text_that_is_no_json_is_a_violation(data: str) -> None:
    assert code(connected().receive(data, 0.0)) is CloseCode.PROTOCOL_ERROR


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
    assert connection.state is State.CONNECTED


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
    assert connection.state is State.CONNECTED
    assert isinstance(give(connection, {"id": 1, "cmd": "ping"}), Received)


def test_a_connect_with_a_bad_field_is_answered_too() -> None:
    connection = awaiting()
    for fields in ({}, {"token": None}, {"token": "x", "client": "c" * 101}, {"token": "x", "rooms": {"a:1": 7}}):
        assert code(give(connection, {"id": 1, "cmd": "connect", **fields})) == Code.INVALID
    assert connection.state is State.AWAITING


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


# Limits


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
    assert connection.state is State.CLOSED


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


# Anything at all

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
edges: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, -1, 2**53 - 1, 2**53, 2**63, "", "session:1", "session:*", "x" * 65, "\0", "\r\n", "é", [], {}, None, True]
)
names = st.sampled_from(["id", "cmd", "token", "client", "rooms", "room", "since", "history", "before", "limit"])
fields = names | st.sampled_from(["types", "nonce", "data", "epoch", "seq", ""])


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A valid command with some fields taken out, replaced or added, at the top and inside."""
    cmd = draw(st.sampled_from(sorted(COMMANDS)))
    message = json.loads(json.dumps({"id": draw(st.integers(1, 5)), "cmd": cmd, **COMMANDS[cmd]}))
    for _ in range(draw(st.integers(0, 3))):
        place = message
        while isinstance(inner := place.get(draw(names)), dict) and inner and draw(st.booleans()):
            place = inner
        field = draw(st.sampled_from(sorted(place)) | fields) if place else draw(fields)
        if draw(st.booleans()):
            place.pop(field, None)
        else:
            place[field] = draw(edges | junk)
    return message


class AnyMessages(RuleBasedStateMachine):
    """Whatever is sent in whatever order: no exception, and the states keep their promises."""

    def __init__(self) -> None:
        super().__init__()
        self.codec: Codec = MSGPACK
        self.connection = self.fresh()
        self.now = 0.0
        self.in_flight: set[int] = set()

    def fresh(self) -> ServerConnection:
        return awaiting(self.codec, message_bytes=600, connect_bytes=900, command_burst=5, flood_factor=4.0)

    @rule(codec=st.sampled_from(sorted(CODECS)))
    def start_over(self, codec: str) -> None:
        self.codec = CODECS[codec]
        self.connection = self.fresh()
        self.in_flight = set()

    @rule(data=st.binary(max_size=1000) | st.text(max_size=1000))
    def send_anything(self, data: bytes | str) -> None:
        self.send(data)

    @rule(data=st.text(alphabet=st.characters(categories=["Cs", "Lu"]), max_size=5))
    def send_lone_surrogates(self, data: str) -> None:
        self.send(data)

    @rule(value=junk)
    def send_a_value(self, value: Any) -> None:
        self.send_encoded(value)

    @rule(message=mutated())
    def send_a_command(self, message: Any) -> None:
        self.send_encoded(message)

    @rule(seconds=st.floats(-1, 5))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def sign_in(self) -> None:
        self.connection.connected()

    @rule()
    def close(self) -> None:
        self.connection.closed()

    @rule(data=st.data())
    def reply(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.in_flight)) if self.in_flight else st.integers(1, 5))
        self.connection.replied(id)
        self.in_flight.discard(id)

    @invariant()
    def in_flight_is_bounded(self) -> None:
        assert len(self.in_flight) <= LIMITS.commands_in_flight

    def send_encoded(self, value: Any) -> None:
        data = self.codec.encode(value)
        self.send(data.decode() if self.codec.text else data)

    def send(self, data: bytes | str) -> None:
        before = self.connection.state
        event = self.connection.receive(data, self.now)
        match event:
            case Received(command):
                assert before is State.CONNECTED or isinstance(command, Connect)
                assert not (before is State.CONNECTED and isinstance(command, Connect))
                assert self.connection.state is before
                if command.id is not None:
                    assert command.id not in self.in_flight
                    self.in_flight.add(command.id)
            case Answered(reply, cmd, code):
                assert self.connection.state is before
                assert code in set(Code)
                assert isinstance(cmd, str)
                if reply is not None:
                    assert 1 <= reply.id <= MAX_ID
                    assert reply.error.code == code
                    # It can be told to any client.
                    for codec in CODECS.values():
                        assert codec.decode(codec.encode(reply))["id"] == reply.id
            case Violation(code, message):
                assert code in (CloseCode.PROTOCOL_ERROR, CloseCode.MESSAGE_TOO_LARGE, CloseCode.FLOOD)
                assert message
                assert self.connection.state is State.CLOSED


TestAnyMessages = AnyMessages.TestCase
TestAnyMessages.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, report_multiple_bugs=False)


@given(st.data(), st.sampled_from(sorted(CODECS)))
def test_a_mutated_command_is_received_or_refused_the_same_in_both_codecs(data: st.DataObject, name: str) -> None:
    message = data.draw(mutated())
    events = [give(connected(codec), message) for codec in CODECS.values()]
    assert events[0] == events[1]
    # A refusal is repeated exactly; what is received keeps its id.
    again = give(connected(CODECS[name]), message)
    assert again == events[0]
    if isinstance(again, Received):
        assert again.command.id == message.get("id")
        assert again.command.cmd == message["cmd"]
