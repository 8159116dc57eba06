"""The rows of rules and certificates: every statement, and what it gives. A code is stored as it is compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.assignments.completion.code import shown
from modules.assignments.completion.messages import CertificateView
from modules.assignments.completion.requirements import CompletionRule
from modules.assignments.completion.tables import CertificateRow
from modules.assignments.decimals import rounded

COLUMNS: Final = ", ".join(CertificateView.__struct_fields__)
SHARES: Final = ("lessons", "attendance", "grade")
RULE: Final = f"SELECT {', '.join(SHARES)}, rev FROM assignments_completion_rule WHERE program_id = $1"  # noqa: S608
WRITE_RULE: Final = """
    INSERT INTO assignments_completion_rule (program_id, lessons, attendance, grade, rev) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (program_id) DO UPDATE
    SET lessons = EXCLUDED.lessons, attendance = EXCLUDED.attendance, grade = EXCLUDED.grade, rev = EXCLUDED.rev
"""
# The row may not be there yet.
LOCK_RULE: Final = "SELECT pg_advisory_xact_lock(hashtext('assignments.rule'), hashtext($1))"
ONE: Final = f"SELECT {COLUMNS} FROM assignments_certificate WHERE id = $1"  # noqa: S608
BY_CODE: Final = f"SELECT {COLUMNS} FROM assignments_certificate WHERE code = $1"  # noqa: S608
VALID: Final = f"""
    SELECT {COLUMNS} FROM assignments_certificate
    WHERE program_id = $1 AND user_id = ANY($2) AND revoked_at IS NULL
"""  # noqa: S608
# Without `anew`, one that was revoked stands in the way of the next.
ISSUE: Final = f"""
    INSERT INTO assignments_certificate ({COLUMNS})
    SELECT $1, $2, $3, $4, $5, $6, $7, NULL, '', 1
    WHERE $8 OR NOT EXISTS (SELECT FROM assignments_certificate WHERE program_id = $3 AND user_id = $5)
    ON CONFLICT (program_id, user_id) WHERE revoked_at IS NULL DO NOTHING
    RETURNING {COLUMNS}
"""  # noqa: S608
HAVING: Final = "SELECT DISTINCT user_id FROM assignments_certificate WHERE program_id = $1"
REVOKE: Final = f"""
    UPDATE assignments_certificate SET revoked_at = $2, revoked_by = $3, reason = $4, rev = rev + 1
    WHERE id = $1 RETURNING {COLUMNS}
"""  # noqa: S608
HELD: Final = f"SELECT {COLUMNS} FROM assignments_certificate WHERE user_id = $1 ORDER BY id"  # noqa: S608
FORGET: Final = """
    UPDATE assignments_certificate SET name = '', reason = '', rev = rev + 1
    WHERE user_id = $1 AND (name <> '' OR reason <> '')
"""
NEWEST: Final = Sort("newest", (CertificateRow.id,), descending=True)


class RuleRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, program_id: str) -> CompletionRule:
        """One that asks for nothing, of revision 0, where there is none."""
        for row in await self._database.fetch(RULE, program_id):
            shares = {name: None if row[name] is None else rounded(row[name]) for name in SHARES}
            return CompletionRule(program_id=program_id, rev=row["rev"], **shares)
        return CompletionRule(program_id=program_id)

    async def lock(self, program_id: str) -> CompletionRule:
        """Nobody else changes it until the transaction ends."""
        await self._database.fetch(LOCK_RULE, program_id)
        return await self.of(program_id)

    async def write(self, rule: CompletionRule) -> None:
        await self._database.fetch(WRITE_RULE, rule.program_id, rule.lessons, rule.attendance, rule.grade, rule.rev)


class CertificateRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, new: CertificateView, code: str, *, anew: bool) -> CertificateView | None:
        """Write a certificate; None when the student has a valid one, or without `anew` has had any."""
        values = (new.id, code, new.program_id, new.program_title, new.user_id, new.name, new.issued_at, anew)
        return await self._one(ISSUE, *values)

    async def find(self, id: str) -> CertificateView | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> CertificateView | None:
        """Nobody else changes it until the transaction ends."""
        return await self._one(f"{ONE} FOR UPDATE", id)

    async def by_code(self, code: str) -> CertificateView | None:
        return await self._one(BY_CODE, code)

    async def valid(self, program_id: str, user_ids: Collection[str]) -> dict[str, CertificateView]:
        """The valid certificates of these users, by user."""
        rows = await self._database.fetch(VALID, program_id, list(user_ids))
        return {row["user_id"]: _certificate(row) for row in rows}

    async def holders(self, program_id: str) -> set[str]:
        """Everybody who has a certificate of the program, or has had one."""
        return {row["user_id"] for row in await self._database.fetch(HAVING, program_id)}

    async def revoke(self, id: str, at: datetime, by: str, reason: str) -> CertificateView:
        found = await self._one(REVOKE, id, at, by, reason)
        assert found is not None
        return found

    async def of_program(self, program_id: str, span: Span) -> Page[CertificateView]:
        """Newest first."""
        return await self._page(CertificateRow.program_id == program_id, span)

    async def of_user(self, user_id: str, span: Span) -> Page[CertificateView]:
        """Newest first, of all programs."""
        return await self._page(CertificateRow.user_id == user_id, span)

    async def held(self, user_id: str) -> list[dict[str, Any]]:
        """What an export shows."""
        rows = await self._database.fetch(HELD, user_id)
        return [msgspec.structs.asdict(_certificate(row)) for row in rows]

    async def forget(self, user_id: str) -> None:
        await self._database.fetch(FORGET, user_id)

    async def _one(self, statement: str, *arguments: Any) -> CertificateView | None:
        for row in await self._database.fetch(statement, *arguments):
            return _certificate(row)
        return None

    async def _page(self, where: Any, span: Span) -> Page[CertificateView]:
        with self._database.guard():
            page = await page_of(CertificateRow.select().where(where), NEWEST, span, CertificateView)
        items = [msgspec.structs.replace(one, code=shown(one.code)) for one in page.items]
        return Page(items, page.next)


def _certificate(row: Mapping[str, Any]) -> CertificateView:
    found = msgspec.convert(row, CertificateView)
    return msgspec.structs.replace(found, code=shown(found.code))
