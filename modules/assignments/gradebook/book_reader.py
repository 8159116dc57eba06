"""Reads grades, dates and what was turned in, and makes rows of the grade book of them.

Whoever teaches sees no marks of an anonymous assignment while names are hidden. It counts in nobody's total until then,
also not in that which the student sees: a total, or a certificate, would say whose work it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Span, page_in
from modules.accounts.facade import names_of
from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.decimals import rounded
from modules.assignments.gradebook.book import MISSING, Category, Mark, ScoreState, Work, total_of
from modules.assignments.gradebook.category_messages import CategoryView
from modules.assignments.gradebook.category_repository import CategoryRepository
from modules.assignments.gradebook.messages import BookAssignment, BookRow, MarkView
from modules.assignments.gradebook.missing import is_over
from modules.assignments.gradebook.repository import TurnedInRepository
from modules.assignments.grading.reader import GradeFact, GradeReader
from modules.assignments.records import Assignment
from modules.programs.facade import Part, learners_of, parts_of


class HidesPeople(Protocol):
    """Grading's answer to whether markers may know whose work it is."""

    async def hides_people(self, assignment: Assignment, now: datetime) -> bool: ...


class BookHead(msgspec.Struct, frozen=True):
    """What all rows of a program's book have in common, at a moment."""

    program_id: str
    now: datetime
    categories: list[CategoryView]
    columns: list[BookAssignment]
    assignments: list[Assignment]


class GradeBookReader:
    """Each call raises Unavailable. Nobody's right to read is checked here."""

    def __init__(self, database: Database, grades: GradeReader, people: HidesPeople) -> None:
        self._database = database
        self._grades = grades
        self._people = people
        self._assignments = AssignmentRepository(database)
        self._categories = CategoryRepository(database)
        self._dates = EffectiveDateReader(database)
        self._turned_in = TurnedInRepository(database)

    async def head(self, program_id: str, now: datetime) -> BookHead:
        """The published assignments, in the order in which they were made, and the categories."""
        assignments = await self._assignments.of_program(program_id)
        columns = [await self._column(one, now) for one in assignments]
        return BookHead(program_id, now, await self._categories.of_program(program_id), columns, assignments)

    async def students(self, program_id: str) -> list[str]:
        """The ids of those who have a row, in their order: with a place, or who take part and have begun something."""
        learners = set(await learners_of(self._database, program_id))
        others = [user for user in await self._turned_in.authors(program_id) if user not in learners]
        parts = await parts_of(self._database, others, program_id) if others else {}
        return sorted(learners | {user for user, part in parts.items() if part is Part.STUDENT})

    async def page(self, program_id: str, span: Span) -> Page[str]:
        """A page of them. Raises BadInput `invalid` for a cursor."""
        return page_in(await self.students(program_id), "student", lambda user: (user,), span)

    async def rows(self, head: BookHead, user_ids: Sequence[str], *, released_only: bool) -> list[BookRow]:
        """The rows of these users, in their order, for those who teach: what is released, or the latest there is."""
        return await self._rows(head, user_ids, released_only=released_only, staff=True)

    async def own(self, head: BookHead, user_id: str) -> BookRow:
        """The student's own row: what is released. Its total is the one that those who teach see."""
        (row,) = await self._rows(head, [user_id], released_only=True, staff=False)
        return row

    async def facts(
        self, assignments: Collection[Assignment], now: datetime, user_ids: Collection[str], *, released_only: bool
    ) -> list[GradeFact]:
        """The grades of these users. The caller answers for those whose people the reader may not know."""
        return await self._grades.of(assignments, now, released_only=released_only, user_ids=user_ids)

    async def _rows(
        self, head: BookHead, user_ids: Sequence[str], *, released_only: bool, staff: bool
    ) -> list[BookRow]:
        names = await names_of(self._database, user_ids)
        hidden = {one.id for one in head.columns if one.names_hidden} if staff else ()
        known = [one for one in head.assignments if one.id not in hidden]
        facts = await self.facts(known, head.now, user_ids, released_only=released_only)
        turned_in = await self._turned_in.turned_in(head.program_id, user_ids)
        terms = await self._dates.of_all(head.assignments, user_ids)
        # A program may have hundreds of assignments, and a page hundreds of students.
        return await asyncio.to_thread(rows_of, head, user_ids, names, facts, turned_in, terms, staff)

    async def _column(self, assignment: Assignment, now: datetime) -> BookAssignment:
        return BookAssignment(
            id=assignment.id,
            title=assignment.title,
            points=rounded(assignment.points),
            category_id=assignment.category_id,
            extra_credit=assignment.extra_credit,
            names_hidden=assignment.anonymous and await self._people.hides_people(assignment, now),
        )


def rows_of(
    head: BookHead,
    user_ids: Iterable[str],
    names: Mapping[str, str],
    facts: Iterable[GradeFact],
    turned_in: Collection[tuple[str, str]],
    terms: Mapping[tuple[str, str], Terms],
    staff: bool,
) -> list[BookRow]:
    """Pure: the rows of these users. For staff, a column with hidden names has no marks."""
    graded = {(fact.assignment_id, fact.user_id): fact for fact in facts}
    counting = [one for one in head.columns if not one.names_hidden]
    categories, works = _categories(head), _works(counting)
    rows = []
    for user in user_ids:
        marks: dict[str, MarkView] = {}
        for column in counting if staff else head.columns:
            key = column.id, user
            if (fact := graded.get(key)) is not None:
                marks[column.id] = MarkView(
                    state=ScoreState.GRADED, score=fact.score, days_late=fact.days_late, released=fact.released
                )
            elif not column.extra_credit and key not in turned_in and is_over(terms[key].dates, head.now):
                marks[column.id] = MarkView(state=ScoreState.MISSING)
        counted = {id: Mark(mark.state, mark.score) for id, mark in marks.items()}
        total = total_of(categories, works, counted)
        rows.append(BookRow(user_id=user, name=names.get(user, ""), marks=marks, total=total))
    return rows


def certain_percent(head: BookHead, row: BookRow) -> Decimal | None:
    """The total that the student has whatever is graded later: what is not graded yet counts as 0.

    None as long as nothing counts.
    """
    if row.total.percent is None:
        return None
    marks = {one.id: MISSING for one in head.columns if not one.extra_credit}
    marks |= {id: Mark(mark.state, mark.score) for id, mark in row.marks.items()}
    return total_of(_categories(head), _works(head.columns), marks).percent


def _categories(head: BookHead) -> list[Category]:
    return [Category(one.id, one.weight, one.drop_lowest) for one in head.categories]


def _works(columns: Iterable[BookAssignment]) -> list[Work]:
    return [Work(one.id, one.points, one.category_id, one.extra_credit) for one in columns]
