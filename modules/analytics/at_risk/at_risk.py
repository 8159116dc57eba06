"""The list of students who fall behind in a program, for those who teach it."""

from __future__ import annotations

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.http.listing import Span, page_in
from gateway.principal import Principal
from modules.accounts.facade import names_of
from modules.analytics.at_risk.messages import StudentAtRisk, StudentsAtRisk
from modules.analytics.at_risk.repository import StandingRepository
from modules.analytics.at_risk.rules import Rules, severity
from modules.analytics.at_risk.settings import RiskSettings
from modules.analytics.measures.feature import MeasuresFeature
from modules.programs.facade import exists


class AtRisk:
    """Each call raises Refused `forbidden` for who does not teach the program, BadInput `not_found`, Unavailable."""

    def __init__(self, kernel: Kernel, settings: RiskSettings, measures: MeasuresFeature) -> None:
        self._database = kernel.database
        self._settings = settings
        self._measures = measures
        self._rows = StandingRepository(kernel.database)

    async def check_teaches(self, principal: Principal, program: str) -> None:
        """Check that the caller may see the program's students by name."""
        scope = await self._measures.scopes.of(principal)
        scope.within([program])
        if not await exists(self._database, program):
            raise not_found("there is no such program")

    async def page(self, principal: Principal, program: str, span: Span) -> StudentsAtRisk:
        """A page of the list. Raises also BadInput `analytics.too_slow`, and `invalid` for a bad cursor."""
        await self.check_teaches(principal, program)
        now = clock.now()
        since = self._measures.windows.last(self._settings.risk_days, now).since
        async with self._measures.measures.snapshot() as snapshot:
            rows = await self._rows.of_program(program, since)
        rules = Rules(self._settings, [row.standing for row in rows], now)
        found = [
            StudentAtRisk(
                user_id=row.standing.user_id,
                name="",
                enrolled_at=row.standing.enrolled_at,
                last_learnt_on=row.last_learnt_on,
                reasons=reasons,
                written_at=row.written_at,
                written_by=row.written_by,
            )
            for row in rows
            if (reasons := rules.reasons(row.standing))
        ]
        page = page_in(found, "severity", lambda one: (*severity(one.reasons), one.user_id), span)
        return StudentsAtRisk(
            items=await self._named(page.items),
            next=page.next,
            students=len(rows),
            at_risk=len(found),
            since=since,
            as_of=snapshot.progress.as_of,
        )

    async def _named(self, students: list[StudentAtRisk]) -> list[StudentAtRisk]:
        names = await names_of(self._database, [one.user_id for one in students])
        return [msgspec.structs.replace(one, name=names.get(one.user_id, "")) for one in students]
