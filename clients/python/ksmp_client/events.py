"""What an app reads: the events of a room, and the states of the connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ksmp_client.link import Transport
from ksmp_client.messages import Position, Push, User


@dataclass(frozen=True, slots=True)
class Joined:
    """The client joined the room, for the first time or again.

    With `recovered`, nothing is missing: the pushes since the last position follow. Without it, the app replaces
    what it holds of the room by `messages`, the room's last ones in ascending order.
    """

    recovered: bool
    position: Position
    messages: tuple[Push, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """The gateway took this connection out of the room.

    With `rejoin`, the client joins again by itself. `Joined` follows, and what the user `can` do may have changed.
    If the gateway refuses that join, the events end with CommandFailed. Without `rejoin`, the room has ended.
    """

    code: str
    rejoin: bool


@dataclass(frozen=True, slots=True)
class CanChanged:
    """The commands that this user may use in the room changed to `can`."""

    can: tuple[str, ...]


# A push with `seq` is durable: it comes in order and exactly once. One without may be missing.
RoomEvent: TypeAlias = Push | Joined | Left | CanChanged


@dataclass(frozen=True, slots=True)
class Connecting:
    """The client is opening a connection to this gateway."""

    url: str


@dataclass(frozen=True, slots=True)
class Connected:
    """The client is signed in. `connection` is the gateway's id of this connection; empty over an event stream."""

    url: str
    connection: str
    user: User | None
    transport: Transport = "websocket"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not connected. The next try is in `seconds`; `code` and `reason` say why the last one ended."""

    seconds: float
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The client has ended. No state follows."""

    code: int
    reason: str


ConnectionState: TypeAlias = Connecting | Connected | Waiting | Closed
