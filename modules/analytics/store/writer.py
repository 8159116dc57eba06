"""EventWriter: stores events exactly once, with their part of everything that is added up.

A batch is one transaction under one lock of the cluster, so what is added up is always that of the events that are
there. The ids decide what is new: a batch may come again, in any order, from several gateways at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from gateway import failpoint
from gateway.contract import Database
from modules.analytics.measures.zone import Zone
from modules.analytics.store.event import Event, Source
from modules.analytics.store.event_id import least_id, time_of
from modules.analytics.store.names import EventNames
from modules.analytics.store.partitions import Month, PartitionRepository
from modules.analytics.store.progress import ProgressRepository
from modules.analytics.store.repository import EventRepository, StagedRow
from modules.analytics.store.subjects import SubjectRepository
from modules.analytics.store.sums import parameters


class Written(msgspec.Struct, frozen=True):
    """What became of a batch: how many were stored, were there already, and are of a time that is no longer kept."""

    stored: int
    repeated: int
    too_old: int


class EventWriter:
    """The only way into the tables of events. `names` is asked once all modules are built."""

    def __init__(self, database: Database, names: Callable[[], EventNames], zone: Zone) -> None:
        self._database = database
        self._names = names
        self._zone = zone
        self._events = EventRepository(database)
        self._subjects = SubjectRepository(database)
        self._partitions = PartitionRepository(database)
        self._progress = ProgressRepository(database)

    async def write(self, events: Sequence[Event], source: Source, as_of: datetime | None = None) -> Written:
        """Store a batch of one source, best of 1,000 to 10,000 events.

        With `as_of` the caller says that all events of this source that were published before it are in this batch or
        stored. Raises Unavailable, after which the batch may be stored: write it again.
        """
        async with self._database.transaction():
            await self._progress.lock()
            progress = await self._progress.read()
            least = least_id(progress.dropped_until)
            kept = [event for event in events if event.id >= least]
            stored = await self._store(kept, source, progress.seq) if kept else 0
            await self._progress.stored(progress.seq + len(kept), source, as_of)
            failpoint.crash("kill.stored")
        failpoint.crash("kill.stored_committed")
        return Written(stored, len(kept) - stored, len(events) - len(kept))

    async def _store(self, events: Sequence[Event], source: Source, seq: int) -> int:
        names = self._names()
        await self._partitions.make({Month.of(time_of(event.id)) for event in events})
        subjects = await self._subjects.make({event.user_id for event in events if event.user_id})
        await self._events.stage(_rows(events, subjects, seq, client=source is Source.CLIENTS))
        return await self._events.store(parameters(names, self._zone.days_of(event.at for event in events)))


def _rows(events: Sequence[Event], subjects: Mapping[str, UUID], seq: int, *, client: bool) -> Iterator[StagedRow]:
    for number, event in enumerate(events, seq + 1):
        yield (
            event.id,
            number,
            event.at,
            event.name,
            subjects.get(event.user_id),
            event.program_id,
            event.session_id,
            event.key,
            event.label,
            event.value,
            client,
        )
