"""Reads dashboards: the measures of a layout, in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from gateway.principal import Principal
from modules.analytics.dashboards.asked import Asked
from modules.analytics.dashboards.layout import ADMIN, MENTOR, STUDENT, Layout
from modules.analytics.dashboards.messages import Dashboard, MeasureList, Whose
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import TIME, Dimension
from modules.analytics.measures.measures import Snapshot
from modules.analytics.measures.messages import MeasureFigures
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.window import Window
from modules.analytics.measures.zone import Step

LAYOUTS: Final[Mapping[Whose, Layout]] = {"student": STUDENT, "mentor": MENTOR, "admin": ADMIN}
# Programs and sessions that a dashboard shows; the measure itself has all of them.
MOST_KEYS: Final = 20
# The longest windows that are shown by day and by week.
MOST_DAYS: Final = 45
MOST_WEEKS: Final = 30


class Dashboards:
    """Answers are used again for a moment (`AnswerCache`), by those who may see the same facts."""

    def __init__(self, feature: MeasuresFeature) -> None:
        self._feature = feature

    async def measures(self, principal: Principal, language: str) -> MeasureList:
        """The definitions of what the caller may read."""
        scope = await self._feature.scopes.of(principal)
        return MeasureList(await self._feature.measures.views(scope, language))

    async def measure(
        self, principal: Principal, name: str, asked: Asked, by: Dimension | None, session: str, kind: str
    ) -> MeasureFigures:
        """One measure. Raises as `Snapshot.read` does."""
        scope, window = await self._feature.scopes.of(principal), asked.window(self._feature.windows)
        query = asked.query(scope, window, by, session, kind)
        measures = self._feature.measures
        # Rights are checked again, also where the answer is known.
        measures.check(measures.registry.find(name), query)
        key = f"measure {name} {asked.language} {query.key}"
        return cast(
            MeasureFigures,
            await self._feature.answers.get(key, lambda: measures.read(name, query, asked.language)),
        )

    async def dashboard(self, principal: Principal, whose: Whose, asked: Asked, step: Step | None) -> Dashboard:
        """A student's dashboard is of the caller alone, whatever their role. Raises as `Snapshot.read` does."""
        scopes = self._feature.scopes
        scope = await (scopes.own(principal) if whose == "student" else scopes.of(principal))
        scope.within(asked.query(scope, window := asked.window(self._feature.windows)).filters.programs)
        step = step or usual_step(window)
        key = f"dashboard {whose} {asked.language} {step} {asked.query(scope, window).key}"
        return cast(
            Dashboard, await self._feature.answers.get(key, lambda: self._read(whose, scope, window, asked, step))
        )

    async def _read(self, whose: Whose, scope: Scope, window: Window, asked: Asked, step: Step) -> Dashboard:
        layout, trend = LAYOUTS[whose], Dimension(step.value)

        async def read(snapshot: Snapshot, names: Sequence[str], by: Dimension) -> list[MeasureFigures]:
            return await snapshot.read(names, asked.query(scope, window, by), asked.language, MOST_KEYS)

        async with self._feature.measures.snapshot() as snapshot:
            headlines: dict[str, MeasureFigures] = {}
            for by, names in self._trends((*layout.headlines, *layout.indications), trend):
                headlines |= zip(names, await read(snapshot, names, by), strict=True)
            details = [one for by, names in layout.details for one in await read(snapshot, names, by)]
            as_of = snapshot.progress.as_of
        return Dashboard(
            whose=whose,
            since=window.since,
            until=window.until,
            zone=window.zone.name,
            as_of=as_of,
            step=trend,
            headlines=[headlines[name] for name in layout.headlines],
            details=details,
            indications=[headlines[name] for name in layout.indications],
        )

    def _trends(self, names: Sequence[str], trend: Dimension) -> list[tuple[Dimension, list[str]]]:
        """The measures by the dimension of time in which they are shown: by `trend`, or what they have of times."""
        found: dict[Dimension, list[str]] = {}
        for name in names:
            dimensions = self._feature.registry.find(name).dimensions
            by = trend if trend in dimensions else next(one for one in TIME if one in dimensions)
            found.setdefault(by, []).append(name)
        return list(found.items())


def usual_step(window: Window) -> Step:
    """Days for some weeks, weeks for some months, and months for what is longer."""
    if window.steps(Step.DAY) <= MOST_DAYS:
        return Step.DAY
    return Step.WEEK if window.steps(Step.WEEK) <= MOST_WEEKS else Step.MONTH
