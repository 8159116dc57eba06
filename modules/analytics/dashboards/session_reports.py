"""Reads the report of one session, after class."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, cast

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal, Role
from modules.analytics.dashboards.activity_repository import ActivityRepository
from modules.analytics.dashboards.messages import CurvePoint, SessionReport
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Dimension, Filters, Query
from modules.analytics.measures.scope import Scope
from modules.live.facade import ClassCurve, SessionFacts, curve, session_facts

# These are known when the session is over. Stars are given later.
FIGURES: Final = (
    "attendance",
    "lateness",
    "class_time",
    "watch_time",
    "engagement",
    "poll_participation",
    "contributions",
    "drop_off",
)
DETAILS: Final = ("engagement", "drop_off", "contributions")
STARS: Final = ("stars",)
# Nobody can give stars for longer.
RATED: Final = timedelta(days=30)
# Facts of a session's end lie at that moment, and a window ends before its last one.
MOMENT: Final = timedelta(microseconds=1)


class SessionReports:
    """Who hosts a session, or teaches its program, reads its report; admins read all."""

    def __init__(self, kernel: Kernel, feature: MeasuresFeature) -> None:
        self._database = kernel.database
        self._feature = feature
        self._activity = ActivityRepository(kernel.database)

    async def report(self, principal: Principal, session_id: str, language: str) -> SessionReport:
        """Raises BadInput `not_found`, also for a session of others, and Unavailable."""
        session = await session_facts(self._database, session_id)
        if session is None or not await self._may_read(principal, session):
            raise not_found("there is no such session, or you do not host it")
        key = f"session {session_id} {language}"
        return cast(SessionReport, await self._feature.answers.get(key, lambda: self._read(session, language)))

    async def _may_read(self, principal: Principal, session: SessionFacts) -> bool:
        if principal.role is Role.STUDENT:
            return False
        scope = await self._feature.scopes.of(principal)
        hosts = (session.mentor_id, *session.co_mentors)
        return scope.programs is None or session.program_id in scope.programs or principal.id in hosts

    async def _read(self, session: SessionFacts, language: str) -> SessionReport:
        now = clock.now()
        begin = min(session.started_at or session.starts_at, now - MOMENT)
        end = (session.ended_at or now) + MOMENT
        held = self._query(session, begin, end)
        rated = self._query(session, begin, max(end, min(now, end + RATED)))
        viewers = await curve(self._database, session.id)
        async with self._feature.measures.snapshot() as snapshot:
            figures = [
                *await snapshot.read(FIGURES, held, language),
                *await snapshot.read(STARS, rated, language),
            ]
            details = [
                *await snapshot.read(DETAILS, _by_kind(held), language),
                *await snapshot.read(STARS, _by_kind(rated), language),
            ]
            activity = await self._activity.of_session(session.id, session.program_id)
            as_of = snapshot.progress.as_of
        return SessionReport(
            session_id=session.id,
            program_id=session.program_id,
            title=session.title,
            state=session.state,
            started_at=session.started_at,
            ended_at=session.ended_at,
            as_of=as_of,
            curve=[] if viewers is None else _points(viewers),
            activity=activity,
            figures=figures,
            details=details,
        )

    def _query(self, session: SessionFacts, since: datetime, until: datetime) -> Query:
        scope = Scope(role=Role.MENTOR, programs=(session.program_id,))
        window = self._feature.windows.between(since, until)
        return Query(scope=scope, window=window, filters=Filters(session=session.id))


def _by_kind(query: Query) -> Query:
    return msgspec.structs.replace(query, by=Dimension.KIND)


def _points(curve: ClassCurve) -> list[CurvePoint]:
    return [CurvePoint(place * curve.step, number) for place, number in enumerate(curve.viewers)]
