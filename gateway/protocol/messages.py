"""The messages of the protocol as structs: commands in, replies and pushes out."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from gateway.principal import Author
from gateway.protocol.names import MAX_ID

Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
Token = str


class Position(msgspec.Struct, frozen=True):
    """A place in a room's log: `epoch` names the life of the log, `seq` the last message seen in it."""

    epoch: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    seq: Seq


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What every command carries. A command without `id` gets no reply."""

    id: Id | None = None
    cmd: str


class Connect(Command, frozen=True, kw_only=True):
    token: Token
    client: Annotated[str, msgspec.Meta(max_length=100)] = ""
    rooms: dict[str, Position] = {}


class Refresh(Command, frozen=True, kw_only=True):
    token: Token


class Join(Command, frozen=True, kw_only=True):
    room: str
    since: Position | None = None
    history: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Leave(Command, frozen=True, kw_only=True):
    room: str


class History(Command, frozen=True, kw_only=True):
    room: str
    before: Seq
    limit: Annotated[int, msgspec.Meta(ge=1)] = 50
    types: Annotated[list[str], msgspec.Meta(max_length=20)] | None = None


class Presence(Command, frozen=True, kw_only=True):
    """`after` is the user id after which the page begins."""

    room: str
    after: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1)] = 200


class Typing(Command, frozen=True, kw_only=True):
    room: str
    on: bool


class Ping(Command, frozen=True, kw_only=True):
    pass


class ModuleCommand(Command, frozen=True, kw_only=True):
    """A command `<module>.<verb>`. The module's request struct checks `data`."""

    room: str | None = None
    nonce: str | None = None
    data: Any = msgspec.field(default_factory=dict)


CORE_COMMANDS: dict[str, type[Command]] = {
    "connect": Connect,
    "refresh": Refresh,
    "join": Join,
    "leave": Leave,
    "history": History,
    "presence": Presence,
    "typing": Typing,
    "ping": Ping,
}


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """`temporary` says whether the same command may succeed later; `retry_after` is in seconds."""

    code: str
    message: str
    temporary: bool | None = None
    retry_after: float | None = None


class Ok(msgspec.Struct, frozen=True):
    id: int
    ok: Any


class Failed(msgspec.Struct, frozen=True):
    id: int
    error: ErrorBody


class Push(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"author": "from"}):
    """A message to the members of a room. A durable push carries `seq` and `prev`; an ephemeral one carries neither.

    `at` is in milliseconds since the Unix epoch.
    """

    push: str
    room: str | None = None
    seq: int | None = None
    prev: int | None = None
    at: int | None = None
    author: Author | None = None
    nonce: str | None = None
    data: Any


class User(msgspec.Struct, frozen=True):
    id: str
    name: str
    role: str


class JoinResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`seq` is the position after this reply; `recovered` is there only when the join had `since`."""

    room: str
    epoch: str
    seq: int
    recovered: bool | None = None
    messages: list[Push]
    members: int
    can: list[str]


class RoomFailed(msgspec.Struct, frozen=True):
    """Stands for a room of a `connect` that could not be joined."""

    error: ErrorBody


class RoomDeferred(msgspec.Struct, frozen=True):
    """Stands for a room of a `connect` whose replay did not fit. The client joins it with a command of its own."""

    deferred: bool = True


class ConnectResult(msgspec.Struct, frozen=True, kw_only=True):
    connection: str
    user: User
    server_time: int
    expires_at: int
    limits: dict[str, int | float]
    rooms: dict[str, JoinResult | RoomFailed | RoomDeferred]


class RefreshResult(msgspec.Struct, frozen=True):
    expires_at: int


class HistoryResult(msgspec.Struct, frozen=True):
    messages: list[Push]
    more: bool


class Person(msgspec.Struct, frozen=True):
    """A member as others see them; `since` in milliseconds since the Unix epoch."""

    id: str
    name: str
    role: str
    since: int


class PresenceResult(msgspec.Struct, frozen=True):
    """A page of the members by id, as of version `v` of the room's presence."""

    count: int
    v: int
    members: list[Person]
    more: bool


class PingResult(msgspec.Struct, frozen=True):
    server_time: int


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a room, by part. It holds every durable push up to `seq`, and perhaps later ones.

    `failed` names the parts that could not be read. They are missing from `parts`.
    """

    room: str
    epoch: str
    seq: int
    parts: dict[str, Any]
    failed: list[str] = []


class Published(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a log-first command returns. `duplicate` says that it was a repeat with the same nonce."""

    seq: int
    duplicate: bool = False


class Can(msgspec.Struct, frozen=True):
    """The data of the `can` push: what this member may do in the room from now on."""

    push: ClassVar[str] = "can"

    can: list[str]


class Left(msgspec.Struct, frozen=True):
    """The data of the `left` push: the gateway took this connection out of the room."""

    push: ClassVar[str] = "left"

    code: str
    rejoin: bool


class Disconnect(msgspec.Struct, frozen=True):
    """The data of the `disconnect` push, sent just before the server closes."""

    push: ClassVar[str] = "disconnect"

    code: int
    reason: str
    reconnect: bool
    retry_ms: int
