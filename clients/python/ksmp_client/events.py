"""What an app is told: the events of a room, and the states of the connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ksmp_client.link import Transport
from ksmp_client.messages import Position, Push, User


@dataclass(frozen=True, slots=True)
class Joined:
    """The room was joined, for the first time or again.

    `recovered` True: nothing is missing, and what was missed follows as pushes. False: what the app holds
    of the room is to be replaced; `messages` are the room's last ones, ascending.
    """

    recovered: bool
    position: Position
    messages: tuple[Push, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """The server took this connection out of the room.

    With `rejoin` it is joined again by itself, and `Joined` follows, perhaps with other things that one `can` do;
    or the events end with CommandFailed, when the server lets nobody back in after all. Without it the room has ended.
    """

    code: str
    rejoin: bool


@dataclass(frozen=True, slots=True)
class CanChanged:
    """What this user may do in the room is now `can`."""

    can: tuple[str, ...]


# A push with `seq` is durable: in order, and each once. One without may be missing.
RoomEvent: TypeAlias = Push | Joined | Left | CanChanged


@dataclass(frozen=True, slots=True)
class Connecting:
    """A connection is being opened to this gateway."""

    url: str


@dataclass(frozen=True, slots=True)
class Connected:
    """Signed in; `connection` is the server's name for this connection, which an event stream does not tell."""

    url: str
    connection: str
    user: User | None
    transport: Transport = "websocket"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not connected: the next try is in `seconds`."""

    seconds: float
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Over; the last state."""

    code: int
    reason: str


ConnectionState: TypeAlias = Connecting | Connected | Waiting | Closed
