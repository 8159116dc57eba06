"""What other modules may give to analytics.

The module that owns a fact contributes what its events mean as figures (`FactType`), and the client events of its
screens (`ClientEventType`). It also contributes counts of its own rows (`SourceCount`), with which the figures are
compared every day. A module that sends events to another vendor contributes a `Sink`. None of them requires analytics:
where it is off, nobody asks for what was contributed.

    def attended(event: AttendanceRecorded, published: datetime) -> Iterable[Fact]:
        for one in event.attendees:
            yield Fact(name="live.attended", at=event.at, user_id=one.user_id, program_id=event.program_id,
                       session_id=event.session_id, key=event.session_id, label=one.state, value=one.seconds)

    FACTS = (FactType(event=AttendanceRecorded, facts=attended, names=("live.attended",)),)

Nothing that names a person may be in a fact but `user_id`, which is stored as a pseudonym: no name, address, text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from gateway.contract import Database

__all__ = [
    "ClientEventType",
    "Counted",
    "DeletionProgress",
    "Fact",
    "FactType",
    "OutgoingEvent",
    "RefusedEvent",
    "Sink",
    "SinkFault",
    "SourceCount",
    "SourceEvents",
    "Tracked",
]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, as analytics stores and counts it.

    Facts of one name, program, session and label are added up in buckets of 15 minutes: how many, and the sum of
    `value`. A fact lies in the bucket of its `at`. What lasts over several buckets is several facts.

    `label` is one of a few words, such as a state, a reason or a currency, since each takes rows of its own. `value` is
    a whole number: seconds, minor units of money, stars. `key` names the thing for a name that is a register
    (`FactType.registers`): of each key and user the latest fact counts. No id of a user may be in it.

    All fields but `value` are what the fact is known by (`at` in milliseconds). The same fact told twice, by two events
    or by a backfill from rows, is stored once. `part` tells apart facts that have all other fields in common.
    """

    name: str
    at: datetime
    user_id: str = ""
    program_id: str = ""
    session_id: str = ""
    key: str = ""
    label: str = ""
    value: int = 0
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class FactType:
    """What an event of another module means as facts.

    `facts` is called with the event and with when it was published, which is `at` for an event that tells no time of
    its own. It is pure; what it raises makes a dead letter.

    `names` are all names of facts that it may give, `<module>.<what>`. `registers` are those of them of which the
    latest of each `key` and user counts (by `at`, then by id), besides the buckets. `activity` are those that show that
    a student was learning on that day.
    """

    event: type[msgspec.Struct]
    # Of any event, so that each function may take its own.
    facts: Callable[[Any, datetime], Iterable[Fact]]
    names: Collection[str]
    registers: Collection[str] = ()
    activity: Collection[str] = ()


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """What a client event comes to: the parts of a `Fact` that its properties give."""

    program_id: str = ""
    session_id: str = ""
    label: str = ""
    value: int = 0


@dataclass(frozen=True, kw_only=True)
class ClientEventType:
    """An event that clients may send, with the schema of its properties.

    `properties` is a msgspec.Struct that forbids unknown fields and holds ids, whole numbers and words of a fixed
    choice: no free text, since people write names into it. Headline figures never come from client events.
    """

    name: str
    properties: type[msgspec.Struct]
    tracked: Callable[[Any], Tracked]


class Counted(msgspec.Struct, frozen=True):
    """How many facts there are, and the sum of their values. Null is not compared."""

    count: int | None
    value: int | None


@dataclass(frozen=True, kw_only=True)
class SourceCount:
    """A count of a module's own rows, with which facts are compared every day.

    `count` gives, for facts of `name` with `at` from `since` until before `until`, how many the rows say there are, and
    the sum of their values, by label. A single empty key is for all labels together; otherwise a label without a key
    has none. `labels` are those that are compared; empty: all. It is asked for days that are over, one day at a time.

    With `shrinks` rows may have been deleted since, by a mentor or with a user: then only missing facts are reported.
    """

    name: str
    count: Callable[[Database, datetime, datetime], Awaitable[Mapping[str, Counted]]]
    labels: Collection[str] = ()
    shrinks: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceEvents:
    """The events that a module's rows tell of, for a backfill of facts from before analytics was on.

    `read` gives each event that was published from `since` until before `until`, as it would be published now, with
    when that was. The facts of an event that analytics knows already are the same facts, and are not stored again.
    """

    read: Callable[[Database, datetime, datetime], AsyncIterator[tuple[msgspec.Struct, datetime]]]


class OutgoingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that may leave the platform. `seq` is its place in the order of storing.

    `person` is who it is about, by a pseudonym that is used outside alone; None is nobody.
    """

    id: UUID
    seq: int
    at: datetime
    name: str
    person: UUID | None
    program_id: str
    session_id: str
    label: str
    value: int
    client: bool


class RefusedEvent(msgspec.Struct, frozen=True):
    """An event that a sink takes by no means, and why."""

    event: OutgoingEvent
    reason: str


class SinkFault(Exception):
    """A sink took nothing, or it is not known what: the same is sent again. `retry_after` in seconds, if it said so."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class DeletionProgress(StrEnum):
    """What became of a deletion that a sink was asked for."""

    DONE = "done"
    GOES_ON = "goes_on"
    LOST = "lost"
    """It failed, or the sink knows nothing of it: it is asked for again."""


class Sink(ABC):
    """Somewhere outside to which events are sent, each at least once, in the order of storing.

    One gateway at a time sends to it. `name` is in rows and metrics, and never changes. `most` events are one batch,
    now and then a few more. `nobodys` says whether facts about nobody are sent as well. Between two batches are
    `interval` seconds, unless more than a batch waits. The gateway asks what became of a deletion every `patience`
    seconds. Each call may raise SinkFault. It is cancelled after `KSMP_ANALYTICS_SINK_TIMEOUT`.
    """

    name: ClassVar[str]
    most: int
    nobodys: bool
    interval: float
    patience: float

    async def open(self) -> None:  # noqa: B027
        """The gateway starts."""

    async def close(self) -> None:  # noqa: B027
        """The gateway ends."""

    @abstractmethod
    async def send(self, after: int, events: Sequence[OutgoingEvent]) -> Sequence[RefusedEvent]:
        """Take a batch, of what was stored after `after`; those that are refused by themselves.

        A batch may come again, with the same `after`, and then without the events of people who withdrew meanwhile.
        """

    @abstractmethod
    async def delete(self, people: Sequence[UUID]) -> str:
        """Delete all events of these people, 1,000 at most: the name of the task for `deletion`, empty when done."""

    @abstractmethod
    async def deletion(self, task: str, people: Sequence[UUID]) -> DeletionProgress:
        """What became of a deletion."""
