"""Any input in any order, made by a rule-based machine and by mutation."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.errors import CloseCode, Code
from gateway.protocol.codec import CODECS, MSGPACK, Codec
from gateway.protocol.connection import Answered, ConnectionState, Received, ServerConnection, Violation
from gateway.protocol.messages import Connect
from gateway.protocol.names import MAX_ID

from .connections import COMMANDS, LIMITS, awaiting, connected, give

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
    """Any input in any order raises no exception, and the states keep their promises."""

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
                assert before is ConnectionState.CONNECTED or isinstance(command, Connect)
                assert not (before is ConnectionState.CONNECTED and isinstance(command, Connect))
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
                    # Any client can decode it.
                    for codec in CODECS.values():
                        assert codec.decode(codec.encode(reply))["id"] == reply.id
            case Violation(code, message):
                assert code in (CloseCode.PROTOCOL_ERROR, CloseCode.MESSAGE_TOO_LARGE, CloseCode.FLOOD)
                assert message
                assert self.connection.state is ConnectionState.CLOSED


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
