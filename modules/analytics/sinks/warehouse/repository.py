"""The rows that say in which files of a warehouse somebody's events are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from gateway.contract import Database

NOTE: Final = """
    INSERT INTO analytics_warehouse_file (sink, outside, path)
    SELECT $1, outside, path FROM unnest($2::uuid[], $3::text[]) AS noted (outside, path) ORDER BY outside, path
    ON CONFLICT DO NOTHING
"""
PATHS: Final = """
    SELECT DISTINCT path FROM analytics_warehouse_file WHERE sink = $1 AND outside = ANY($2) ORDER BY path LIMIT $3
"""
DROP: Final = "DELETE FROM analytics_warehouse_file WHERE sink = $1 AND outside = ANY($2) AND path = $3"


class WarehouseFileRepository:
    """The rows of one sink. Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, sink: str) -> None:
        self._database = database
        self._sink = sink

    async def note(self, places: Collection[tuple[UUID, str]]) -> None:
        """Somebody's events will be in this file."""
        people, paths = [one for one, _ in places], [path for _, path in places]
        await self._database.fetch(NOTE, self._sink, people, paths)

    async def paths(self, people: Collection[UUID], most: int) -> list[str]:
        """Some of the files with events of these people."""
        return [row["path"] for row in await self._database.fetch(PATHS, self._sink, list(people), most)]

    async def drop(self, people: Collection[UUID], path: str) -> None:
        """This file has nothing of these people any more."""
        await self._database.fetch(DROP, self._sink, list(people), path)
