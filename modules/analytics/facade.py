"""What other modules may give to analytics.

The module that owns a fact contributes what its events mean as figures (`FactType`), the client events of its screens
(`ClientEventType`), and counts of its own rows with which the figures are compared every day (`SourceCount`). It
requires nothing: where analytics is off, nobody asks for what was contributed.

    def attended(event: AttendanceRecorded, published: datetime) -> Iterable[Fact]:
        for one in event.attendees:
            yield Fact(name="live.attended", at=event.at, user_id=one.user_id, program_id=event.program_id,
                       session_id=event.session_id, key=event.session_id, label=one.state, value=one.seconds)

    FACTS = (FactType(event=AttendanceRecorded, facts=attended, names=("live.attended",)),)

Nothing that names a person may be in a fact but `user_id`, which is stored as a pseudonym: no name, address, text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gateway.contract import Database

__all__ = ["ClientEventType", "Counted", "Fact", "FactType", "SourceCount", "SourceEvents", "Tracked"]


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
    the sum of their values, by label. Several labels that are counted together are one key, `on_time+late`; an empty
    key is for all labels. It is asked for days that are over, one day at a time.

    With `shrinks` rows may have been deleted since, by a mentor or with a user: then only missing facts are reported.
    """

    name: str
    count: Callable[[Database, datetime, datetime], Awaitable[Mapping[str, Counted]]]
    shrinks: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceEvents:
    """The events that a module's rows tell of, for a backfill of facts from before analytics was on.

    `read` gives each event that was published from `since` until before `until`, as it would be published now, with
    when that was. The facts of an event that analytics knows already are the same facts, and are not stored again.
    """

    read: Callable[[Database, datetime, datetime], AsyncIterator[tuple[msgspec.Struct, datetime]]]
