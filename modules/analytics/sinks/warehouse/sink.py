"""WarehouseSink: writes events into files by day, and writes a file anew without those who withdrew.

A file's name is its day and the place in the order of storing after which its batch begins. A batch that comes again
is written in place of what there was. Whose events a file will have is noted before it is written.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from gateway.contract import Database
from modules.analytics.facade import DeletionProgress, OutgoingEvent, RefusedEvent, Sink
from modules.analytics.measures.zone import Zone
from modules.analytics.sinks.settings import WarehouseSettings
from modules.analytics.sinks.warehouse.bucket import NotThere, WarehouseBucket
from modules.analytics.sinks.warehouse.file_format import FileFormat, best_format, format_of
from modules.analytics.sinks.warehouse.repository import WarehouseFileRepository

# Files that one look writes anew. Each is read and written.
MOST_FILES: Final = 50
# Of a deletion that goes on.
TASK: Final = "files"


class WarehouseSink(Sink):
    """Days are those of the platform's zone, as in its figures."""

    name = "warehouse"
    nobodys = True
    patience = 0.0

    def __init__(
        self,
        database: Database,
        bucket: WarehouseBucket,
        settings: WarehouseSettings,
        zone: Zone,
        file_format: FileFormat | None = None,
    ) -> None:
        self.most = settings.warehouse_rows
        self.interval = settings.warehouse_interval
        self._prefix = settings.warehouse_prefix
        self._bucket = bucket
        self._zone = zone
        self._format = file_format or best_format()
        self._files = WarehouseFileRepository(database, self.name)

    async def open(self) -> None:
        await self._bucket.open()

    async def close(self) -> None:
        await self._bucket.close()

    async def send(self, after: int, events: Sequence[OutgoingEvent]) -> Sequence[RefusedEvent]:
        files: dict[str, list[OutgoingEvent]] = defaultdict(list)
        for event in events:
            files[self._path(self._zone.day_of(event.at), after)].append(event)
        await self._files.note(
            {(one.person, path) for path, its in files.items() for one in its if one.person is not None}
        )
        for path, its in files.items():
            content = await asyncio.to_thread(self._format.written, its)
            await self._bucket.put(path, content, self._format.media_type)
        return ()

    async def delete(self, people: Sequence[UUID]) -> str:
        paths = await self._files.paths(people, MOST_FILES)
        for path in paths:
            await self._leave_out(people, path)
            await self._files.drop(people, path)
        return TASK if len(paths) == MOST_FILES else ""

    async def deletion(self, task: str, people: Sequence[UUID]) -> DeletionProgress:
        return DeletionProgress.GOES_ON if await self.delete(people) else DeletionProgress.DONE

    def _path(self, day: date, after: int) -> str:
        return f"{self._prefix}day={day.isoformat()}/{after:020}.{self._format.suffix}"

    async def _leave_out(self, people: Sequence[UUID], path: str) -> None:
        """Write a file anew without these people."""
        try:
            content = await self._bucket.read(path)
        except NotThere:
            # It was noted, and then not written.
            return
        file_format = format_of(path)
        left = await asyncio.to_thread(file_format.without, content, {str(one) for one in people})
        if left:
            await self._bucket.put(path, left, file_format.media_type)
        else:
            await self._bucket.delete(path)
