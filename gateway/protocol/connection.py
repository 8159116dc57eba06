"""The server's side of one connection as a state machine: bytes in, events out.

    awaiting ──connect ok──► connected ──close──► closed
        │                        │
        └──── violation ─────────┴──────────────► closed

A connection starts `awaiting`. The only command it may send is `connect`, and it may try again. Once it is
`connected`, it may send every other command.

Some input breaks the contract beyond repair: bytes that are no message, a command before `connect`, a flood. That is a
Violation, and the transport closes the connection with its code. Other bad input can be answered: a bad field, half an
emoji, an id in flight, too many commands. That is Answered with an error reply, and the connection goes on.

Nothing here waits. The time comes in as an argument.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.errors import BadInput, CloseCode, Code, KsmpError, Limited, invalid
from gateway.protocol.bucket import Bucket
from gateway.protocol.codec import BadText, Codec, DecodeError
from gateway.protocol.messages import CORE_COMMANDS, Command, Connect, ErrorBody, Failed, ModuleCommand
from gateway.protocol.names import MAX_ID, is_command, is_nonce


class ConnectionState(enum.Enum):
    AWAITING = "awaiting"
    CONNECTED = "connected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one connection; sizes in bytes, rates a second."""

    message_bytes: int
    connect_bytes: int
    command_rate: float
    command_burst: int
    flood_factor: float
    commands_in_flight: int


@dataclass(frozen=True, slots=True)
class Received:
    """A well-formed command that this state allows; its id is in flight until `replied`."""

    command: Command


@dataclass(frozen=True, slots=True)
class Answered:
    """A command that was refused here; it does not reach a handler. `reply` is None when it carried no id."""

    reply: Failed | None
    cmd: str
    code: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The client broke the contract: the transport closes the connection with this code."""

    code: CloseCode
    message: str


Event = Received | Answered | Violation


def _no_limit(now: float) -> float:
    return 0.0


def error_body(error: KsmpError) -> ErrorBody:
    return ErrorBody(error.code, error.message, error.temporary or None, error.retry_after)


class ServerConnection:
    """Reads one client's messages. Every method returns at once and raises nothing on bad input."""

    def __init__(self, codec: Codec, limits: ConnectionLimits) -> None:
        self.codec = codec
        self.limits = limits
        self.state = ConnectionState.AWAITING
        self._in_flight: set[int] = set()
        self._commands = Bucket(limits.command_rate, limits.command_burst)
        self._count_of_user: Callable[[float], float] = _no_limit
        self._flood = Bucket(limits.command_rate * limits.flood_factor, limits.command_burst * limits.flood_factor)

    def receive(self, data: bytes | str, now: float) -> Event:
        """Take one WebSocket message; `now` is a monotonic time in seconds."""
        text = isinstance(data, str)
        try:
            raw = data.encode() if isinstance(data, str) else data
        except UnicodeEncodeError:
            return self._violation(CloseCode.PROTOCOL_ERROR, "the text is not valid Unicode")
        awaiting = self.state is ConnectionState.AWAITING
        if len(raw) > (self.limits.connect_bytes if awaiting else self.limits.message_bytes):
            return self._violation(CloseCode.MESSAGE_TOO_LARGE, "message too large")
        if self._flood.take(now) > 0.0:
            return self._violation(CloseCode.FLOOD, "commands far over the limit")
        if text is not self.codec.text:
            return self._violation(CloseCode.PROTOCOL_ERROR, "wrong frame type for this subprotocol")
        bad: BadText | None = None
        try:
            value = self.codec.decode(raw)
        except BadText as error:
            bad, value = error, error.value
        except DecodeError as error:
            return self._violation(CloseCode.PROTOCOL_ERROR, str(error))
        return self._read(value, now, bad)

    def connected(self, count: Callable[[float], float] = _no_limit) -> None:
        """Note that the connection's `connect` succeeded.

        `count` counts each command against the limit of its user: it is given the time, and gives the seconds to wait.
        """
        self._count_of_user = count
        if self.state is ConnectionState.AWAITING:
            self.state = ConnectionState.CONNECTED

    def closed(self) -> None:
        self.state = ConnectionState.CLOSED

    def replied(self, id: int | None) -> None:
        """Note that the reply to this id was written: the client may use the id again."""
        if id is not None:
            self._in_flight.discard(id)

    def _read(self, value: Any, now: float, bad: BadText | None) -> Event:
        if not isinstance(value, dict):
            return self._violation(CloseCode.PROTOCOL_ERROR, "a message must be an object")
        cmd, id = value.get("cmd"), value.get("id")
        if not isinstance(cmd, str):
            return self._violation(CloseCode.PROTOCOL_ERROR, "a message must carry a cmd")
        if id is not None and (type(id) is not int or not 1 <= id <= MAX_ID):
            return self._violation(CloseCode.PROTOCOL_ERROR, "id must be an integer from 1 to 2^53-1")
        if self.state is ConnectionState.CLOSED:
            return self._violation(CloseCode.PROTOCOL_ERROR, "the connection is closed")
        if self.state is ConnectionState.AWAITING and cmd != "connect":
            return self._violation(CloseCode.PROTOCOL_ERROR, "the first command must be connect")
        if id in self._in_flight:
            return self._answer(id, cmd, BadInput(Code.CONFLICT, "this id is in flight"))
        wait = self._commands.take(now) or self._count_of_user(now)
        if wait > 0.0:
            return self._answer(id, cmd, Limited("too many commands", retry_after=round(wait, 3)))
        if len(self._in_flight) >= self.limits.commands_in_flight:
            return self._answer(id, cmd, Limited("too many commands in flight", retry_after=1.0))
        if bad is not None:
            return self._answer(id, cmd, invalid(str(bad)))
        try:
            command = convert(value, cmd)
        except KsmpError as error:
            return self._answer(id, cmd, error)
        if isinstance(command, Connect) and self.state is ConnectionState.CONNECTED:
            return self._answer(id, cmd, BadInput(Code.CONFLICT, "already connected"))
        if id is not None:
            self._in_flight.add(id)
        return Received(command)

    def _answer(self, id: int | None, cmd: str, error: KsmpError) -> Answered:
        return Answered(None if id is None else Failed(id, error_body(error)), cmd, error.code)

    def _violation(self, code: CloseCode, message: str) -> Violation:
        self.state = ConnectionState.CLOSED
        return Violation(code, message)


def convert(value: dict[str, Any], cmd: str) -> Command:
    """Turn a decoded message into its command; raises BadInput `unknown_command` or `invalid`."""
    if not is_command(cmd):
        raise BadInput(Code.UNKNOWN_COMMAND, "no such command")
    kind = CORE_COMMANDS.get(cmd)
    if kind is None and "." not in cmd:
        raise BadInput(Code.UNKNOWN_COMMAND, f"no such command: {cmd}")
    try:
        command = msgspec.convert(value, kind or ModuleCommand)
    except msgspec.ValidationError as error:
        raise BadInput(Code.INVALID, str(error)) from None
    if isinstance(command, ModuleCommand) and command.nonce is not None and not is_nonce(command.nonce):
        raise BadInput(Code.INVALID, "nonce must be 1 to 64 characters from A-Z a-z 0-9 _ . : -")
    return command
