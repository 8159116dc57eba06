"""How far students are on the way to the certificate of a program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from gateway.contract import Database
from modules.accounts.facade import names_of
from modules.assignments.completion.messages import Standing
from modules.assignments.completion.repository import CertificateRepository
from modules.assignments.completion.requirements import CompletionRule, requirements_of
from modules.assignments.gradebook.book_reader import GradeBookReader, certain_percent
from modules.live.facade import attended
from modules.programs.facade import lessons_done


class StandingReader:
    """Each call raises Unavailable. Nobody's right to read is checked here."""

    def __init__(self, database: Database, book: GradeBookReader) -> None:
        self._database = database
        self._book = book
        self._certificates = CertificateRepository(database)

    async def of(self, rule: CompletionRule, user_ids: Sequence[str], now: datetime) -> list[Standing]:
        """Where each of these users stands, in their order."""
        program = rule.program_id
        names = await names_of(self._database, user_ids)
        lessons = await lessons_done(self._database, program, user_ids)
        sessions = await attended(self._database, program, user_ids)
        totals = await self._totals(rule, user_ids, now)
        certificates = await self._certificates.valid(program, user_ids)
        standings = []
        for user in user_ids:
            requirements = requirements_of(rule, lessons[user], sessions[user], totals.get(user))
            standings.append(
                Standing(
                    program_id=program,
                    user_id=user,
                    name=names.get(user, ""),
                    requirements=requirements,
                    complete=bool(requirements) and all(one.met for one in requirements),
                    certificate=certificates.get(user),
                )
            )
        return standings

    async def _totals(self, rule: CompletionRule, user_ids: Sequence[str], now: datetime) -> dict[str, Decimal | None]:
        """The totals that are certain, of what is released: else the first grade of a program would complete it."""
        if rule.grade is None:
            return {}
        head = await self._book.head(rule.program_id, now)
        rows = await self._book.rows(head, user_ids, released_only=True)
        return {row.user_id: certain_percent(head, row) for row in rows}
