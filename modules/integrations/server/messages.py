"""What the server API takes and answers, and what it pushes."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gateway.contract import PushType
from gateway.principal import Author
from gateway.protocol.names import MAX_ID

Room = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_-]{1,64}$", description="`<kind>:<id>`")]
MessageName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_.-]{0,63}$", description="By it clients tell messages apart")]
MessageId = Annotated[str, Meta(pattern="^[A-Za-z0-9_.:-]{1,64}$")]

SERVICE: Final = "01a2130d-48bf-7174-b972-596a06fb2346"
SCORE: Final = {"house": "Raman", "points": 12}


class ServiceMessage(msgspec.Struct, frozen=True):
    """What a service says in a room. `data` is any JSON: what it means is between the service and its clients."""

    name: str
    service: str
    data: Any


MESSAGE: Final = PushType("integrations.message", ServiceMessage)


class NewMessage(msgspec.Struct, frozen=True):
    """A message for a room, with `data` of up to `KSMP_INTEGRATIONS_MESSAGE_BYTES`.

    The same `id` of the same service in the same room within two minutes is stored once. An `ephemeral` message reaches
    those who are in the room, at most once, and is not stored.
    """

    room: Room
    name: MessageName
    data: Any
    id: MessageId | None = None
    ephemeral: bool = False

    @classmethod
    def example(cls) -> NewMessage:
        return cls("session:42", "scores.changed", SCORE, "score-991")


class Batch(msgspec.Struct, frozen=True):
    """Messages to publish; those of one room are stored in this order."""

    messages: Annotated[list[NewMessage], Meta(min_length=1, max_length=100)]

    @classmethod
    def example(cls) -> Batch:
        return cls([NewMessage.example(), NewMessage("session:43", "scores.changed", SCORE)])


class PublishedMessage(msgspec.Struct, frozen=True):
    """The message's place in its room; null for an ephemeral one. `duplicate`: it was stored before."""

    room: str
    seq: int | None
    duplicate: bool = False

    @classmethod
    def example(cls) -> PublishedMessage:
        return cls("session:42", 991)


class Failure(msgspec.Struct, frozen=True):
    code: str
    message: str
    temporary: bool


class BatchResult(msgspec.Struct, frozen=True):
    """What became of one message: `seq` and `duplicate`, or the `error`."""

    room: str
    seq: int | None = None
    duplicate: bool = False
    error: Failure | None = None


class BatchResults(msgspec.Struct, frozen=True):
    """One for each message, in the order of the messages."""

    results: list[BatchResult]

    @classmethod
    def example(cls) -> BatchResults:
        away = Failure("unavailable", "rooms are away for the moment", True)
        return cls([BatchResult("session:42", 991), BatchResult("session:43", error=away)])


class Present(msgspec.Struct, frozen=True):
    """Somebody who is in the room, with their role on the platform; `since` in milliseconds since the Unix epoch."""

    id: str
    role: str
    since: int


class RoomPresence(msgspec.Struct, frozen=True):
    """How many are in the room, over all gateways, and a page of them by id. `next` is the `after` of the next page."""

    count: int
    members: list[Present]
    next: str | None

    @classmethod
    def example(cls) -> RoomPresence:
        return cls(1, [Present("c1f7-23", "student", 1_795_332_205_001)], None)


class RoomPush(msgspec.Struct, frozen=True, rename={"author": "from"}):
    """A stored push of the room; `at` in milliseconds since the Unix epoch."""

    seq: int
    at: int
    push: str
    author: Author | None
    data: Any


class RoomHistory(msgspec.Struct, frozen=True):
    """Pushes of the room, the oldest first, and whether there are older ones."""

    items: list[RoomPush]
    more: bool

    @classmethod
    def example(cls) -> RoomHistory:
        return cls(
            [
                RoomPush(
                    991,
                    1_795_332_205_001,
                    "integrations.message",
                    None,
                    {"name": "scores.changed", "service": SERVICE, "data": SCORE},
                )
            ],
            False,
        )


# Below it are all pushes.
NEWEST: Final = MAX_ID
