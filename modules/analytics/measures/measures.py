"""Answers questions to measures: checks who asks for what, reads in one snapshot, and hides small groups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.errors import forbidden, invalid
from modules.analytics.errors import no_dimension, too_many_rows
from modules.analytics.measures.counts_repository import CountsRepository
from modules.analytics.measures.labels import Labels
from modules.analytics.measures.measure import ByCurrency, Dimension, Measure, Parts, Query, Result
from modules.analytics.measures.messages import Figure, MeasureFigures, MeasureView
from modules.analytics.measures.progress_repository import Progress, ProgressRepository
from modules.analytics.measures.reading import Reading
from modules.analytics.measures.registry import Registry
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.small_groups import hidden, too_small
from modules.analytics.measures.texts import MeasureTexts

# Dimensions that have as many keys as there are things.
KEYED: Final = (Dimension.PROGRAM, Dimension.SESSION)


@dataclass(frozen=True)
class Limits:
    """How many keys an answer may have, and how many people must be behind a figure of a discreet measure.

    `at_once` answers are read at the same time, each on a connection of its own.
    `late` is how long after something happened its fact may be published. A time is complete when that has passed too.
    """

    rows: int
    group_least: int
    at_once: int
    late: timedelta


class Measures:
    """What all that shows figures asks: dashboards, boards, exports, lists of students at risk.

        async with measures.snapshot() as snapshot:
            attendance, stars = await snapshot.read(["attendance", "stars"], query, language="en")

    Raises BadInput and Refused as `Snapshot.read` says.
    """

    def __init__(
        self,
        registry: Registry,
        progress: ProgressRepository,
        counts: CountsRepository,
        texts: MeasureTexts,
        labels: Labels,
        limits: Limits,
    ) -> None:
        self.registry = registry
        self.texts = texts
        self.labels = labels
        self._progress = progress
        self._counts = counts
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.at_once)

    def check(self, measure: Measure, query: Query) -> None:
        """Raise Refused `forbidden` where the caller may not read the measure, BadInput for what it does not have."""
        if not measure.may_read(query.scope):
            raise forbidden(f"{measure.name} is not for you")
        if query.by is not None and query.by not in measure.dimensions:
            raise no_dimension(measure.name, query.by)
        if query.filters.kind and Dimension.KIND not in measure.dimensions:
            raise invalid(f"{measure.name} has no kinds", field="kind")
        if query.filters.session and Dimension.SESSION not in measure.dimensions:
            raise invalid(f"{measure.name} is not of single sessions", field="session")
        query.scope.within(query.filters.programs)

    async def views(self, scope: Scope, language: str) -> list[MeasureView]:
        """The measures that a caller may read."""
        return [await self.texts.view(measure, language) for measure in self.registry.all if measure.may_read(scope)]

    async def progress(self) -> Progress:
        """How far storing has come: answers of the same progress are the same."""
        return await self._progress.progress()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Figures that are read inside are of the same moment. Not inside of a transaction."""
        async with self._turns, self._progress.snapshot() as progress:
            yield Snapshot(self, progress, self._counts, self._limits)

    async def read(self, name: str, query: Query, language: str = "en") -> MeasureFigures:
        """One measure; raises as `Snapshot.read` does."""
        self.check(self.registry.find(name), query)
        async with self.snapshot() as snapshot:
            (figures,) = await snapshot.read([name], query, language)
        return figures


class Snapshot:
    """Reads measures at one moment."""

    def __init__(self, measures: Measures, progress: Progress, counts: CountsRepository, limits: Limits) -> None:
        self.progress = progress
        self._measures = measures
        self._counts = counts
        self._limits = limits
        self._known: dict[str, Any] = {}

    async def read(
        self, names: Sequence[str], query: Query, language: str = "en", most: int | None = None
    ) -> list[MeasureFigures]:
        """The figures of these measures for one query, in their order.

        With `most` there are no more programs or sessions than that, the largest and the newest of them. Without it
        there may not be more than KSMP_ANALYTICS_ROWS.

        Raises BadInput `analytics.unknown_measure`, `analytics.no_dimension`, `analytics.too_many_rows`,
        `analytics.too_slow` or `invalid`, Refused `forbidden`, and Unavailable.
        """
        measures = [self._measures.registry.find(name) for name in names]
        for measure in measures:
            self._measures.check(measure, query)
        reading = Reading(query, self.progress, self._counts, measures, self._limits.rows, self._known)
        return [await self._answer(measure, reading, language, most) for measure in measures]

    async def _answer(self, measure: Measure, reading: Reading, language: str, most: int | None) -> MeasureFigures:
        query, result = reading.query, await measure.read(reading)
        as_of = self.progress.client_as_of if measure.from_clients else self.progress.as_of
        stored = as_of - measure.lag - self._limits.late
        least = self._limits.group_least if measure.discreet and not query.scope.own else 0
        figures = self._figures(measure, reading, result, least, stored)
        shown = self._cut(figures, query.by, most)
        labels = await self._measures.labels.of(measure, query.by, [one.key for one in shown], language)
        return MeasureFigures(
            measure=await self._measures.texts.view(measure, language),
            since=query.window.since,
            until=query.window.until,
            zone=query.window.zone.name,
            as_of=as_of,
            by=query.by,
            total=_whole(result.total, measure, least, stored >= query.window.until),
            previous=_whole(result.previous, measure, least, stored >= query.window.since),
            figures=[msgspec.structs.replace(one, label=labels.get(one.key, "")) for one in shown],
            left_out=len(figures) - len(shown),
        )

    def _figures(
        self, measure: Measure, reading: Reading, result: Result, least: int, stored: datetime
    ) -> list[Figure]:
        """The parts, by their keys. Of days, weeks and months there is each one, also where nothing happened."""
        query, groups = reading.query, result.groups
        until = {span.day.isoformat(): span.until for span in reading.spans}
        nothing: Mapping[str, Parts] = dict.fromkeys(result.total, measure.nothing)
        places = groups
        if until and measure.fills:
            places = {key: {**nothing, **groups.get(key, {})} for key in until}
        elif query.by in KEYED:
            # Others have facts of another measure alone, which is read with this one.
            places = {key: parts for key, parts in groups.items() if _any(parts)}
        figures: list[Figure] = []
        for currency in sorted({currency for parts in places.values() for currency in parts}):
            of_currency = {key: parts[currency] for key, parts in places.items() if currency in parts}
            secret = hidden(of_currency, least)
            for key, parts in of_currency.items():
                complete = stored >= until.get(key, query.window.until)
                figures.append(_figure(parts, measure, key, currency, complete, key in secret))
        return figures

    def _cut(self, figures: Sequence[Figure], by: Dimension | None, most: int | None) -> Sequence[Figure]:
        """Programs by their size, sessions by their time, which their ids have; the rest as it is."""
        if by is Dimension.PROGRAM:
            figures = sorted(figures, key=lambda one: (-(one.denominator or one.numerator or 0), one.key))
        elif by is Dimension.SESSION:
            figures = sorted(figures, key=lambda one: one.key, reverse=True)
        else:
            return figures
        if most is None and len(figures) > self._limits.rows:
            raise too_many_rows(self._limits.rows)
        return figures[:most]


def _any(parts: ByCurrency) -> bool:
    return any(one.numerator or one.denominator for one in parts.values())


def _whole(result: ByCurrency, measure: Measure, least: int, complete: bool) -> list[Figure]:
    return [
        _figure(parts, measure, "", currency, complete, too_small(parts, least))
        for currency, parts in sorted(result.items())
    ]


def _figure(parts: Parts, measure: Measure, key: str, currency: str, complete: bool, secret: bool) -> Figure:
    if secret:
        return Figure(
            key=key, currency=currency, numerator=None, denominator=None, value=None, suppressed=True, complete=complete
        )
    return Figure(
        key=key,
        currency=currency,
        numerator=parts.numerator,
        denominator=parts.denominator,
        value=parts.shown,
        complete=complete,
    )
