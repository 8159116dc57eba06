"""Reads what measures count, once for all measures of an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from gateway.contract import Database
from modules.analytics.errors import too_many_rows
from modules.analytics.measures.cells import Cell, Cells, added
from modules.analytics.measures.counts_repository import Counted, CountsRepository, are_days
from modules.analytics.measures.measure import Measure, Query
from modules.analytics.measures.progress_repository import Progress

# A key has so many names and labels on average, or fewer.
ROWS_A_KEY: Final = 40

T = TypeVar("T")
Read = Callable[[Query, Sequence[str], Sequence[datetime], int], Awaitable[list[Counted]]]


class Reading:
    """What one query reads, in one snapshot. Measures of one reading share its statements.

    `known` is what other readings of the snapshot have read already. `most` is how many keys there may be. Raises
    BadInput `analytics.too_many_rows`.
    """

    def __init__(
        self,
        query: Query,
        progress: Progress,
        counts: CountsRepository,
        measures: Sequence[Measure],
        most: int,
        known: dict[str, Any] | None = None,
    ) -> None:
        self.query = query
        self.progress = progress
        self.most = most
        self.most_rows = ROWS_A_KEY * most
        self.previous = query.window.before()
        step = None if query.by is None else query.by.step
        if step is not None and query.window.steps(step) > most:
            raise too_many_rows(most)
        self.spans = [] if step is None else query.window.spans(step)
        self._counts = counts
        self._known = {} if known is None else known
        self._registers = sorted({name for measure in measures for name in measure.registers})
        self._rollups = sorted({name for measure in measures for name in measure.rollups})
        self._cells: dict[tuple[int, str], Cells] | None = None

    @property
    def boundaries(self) -> list[datetime]:
        """The times that are told apart: first the window before, then each span of the window, or all of it."""
        window = self.query.window
        inner = [span.since for span in self.spans] or [window.since]
        return [self.previous.since, *inner, window.until]

    @property
    def limits(self) -> tuple[list[datetime], datetime, datetime]:
        """The boundaries, the first of them and the last: arguments of a statement."""
        boundaries = self.boundaries
        return boundaries, boundaries[0], boundaries[-1]

    @property
    def database(self) -> Database:
        """Where measures with statements of their own read, in the same snapshot."""
        return self._counts.database

    async def once(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What does not depend on the dimension: it is read once for all questions of a snapshot that differ in it."""
        key = self._key(what)
        if key not in self._known:
            self._known[key] = await ask()
        return cast(T, self._known[key])

    def note(self, what: str, value: object) -> None:
        """Let this be what `once` gives, unless that is known."""
        self._known.setdefault(self._key(what), value)

    def _key(self, what: str) -> str:
        query = self.query
        return f"{what} {query.scope.key} {query.window.key} {query.filters}"

    async def before(self) -> Cells:
        """The facts of the window before."""
        return added(cells for (span, _), cells in (await self._read()).items() if span == 1)

    async def total(self) -> Cells:
        """The facts of the whole window."""
        return added(cells for (span, _), cells in (await self._read()).items() if span > 1)

    async def groups(self) -> dict[str, Cells]:
        """The facts of the window by day, week or month, by program or by session; empty without such a dimension."""
        found = {place: cells for place, cells in (await self._read()).items() if place[0] > 1}
        if self.spans:
            return {self.spans[span - 2].day.isoformat(): cells for (span, _), cells in found.items()}
        return {key: cells for (_, key), cells in found.items() if key}

    async def _read(self) -> dict[tuple[int, str], Cells]:
        if self._cells is None:
            if are_days(self.query, self.boundaries):
                rows = await self._rows(self._counts.days, [*self._registers, *self._rollups])
            else:
                rows = [
                    *await self._rows(self._counts.registers, self._registers),
                    *await self._rows(self._counts.rollups, self._rollups),
                ]
            found: dict[tuple[int, str], dict[tuple[str, str], Cell]] = {}
            for row in rows:
                found.setdefault((row.span, row.key), {})[row.name, row.label] = row.cell
            self._cells = {place: Cells(cells) for place, cells in found.items()}
        return self._cells

    async def _rows(self, read: Read, names: Sequence[str]) -> list[Counted]:
        if not names:
            return []
        rows = await read(self.query, names, self.boundaries, self.most_rows + 1)
        if len(rows) > self.most_rows:
            raise too_many_rows(self.most)
        return rows
