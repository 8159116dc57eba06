"""What was turned in for an assignment, as those who teach may see it now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway import clock
from modules.assignments.catalogue.question import Question
from modules.assignments.catalogue.question_repository import QuestionRepository
from modules.assignments.dates.wall_time import zone_of as zone_named
from modules.assignments.exports.works import Answered, Work, WorkFile
from modules.assignments.grading.grade_views import GradeViews
from modules.assignments.grading.lateness import Lateness
from modules.assignments.grading.pseudonyms import Pseudonyms
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.records import Assignment
from modules.assignments.submissions.quiz import Answered as GivenAnswer
from modules.assignments.submissions.quiz import QuestionResult
from modules.assignments.submissions.records import Attempt, AttemptFile
from modules.assignments.submissions.repository import SubmissionRepository
from modules.assignments.submissions.uploads import neutral_name

# Attempts that are in memory at once, with their texts.
BATCH: Final = 20
UTC: Final = "UTC"


class ListedWork(msgspec.Struct, frozen=True):
    """A submission without what was turned in. `students` is empty while people are hidden."""

    attempt_id: str
    submission_id: str
    name: str
    students: tuple[str, ...]
    days_late: int
    hidden: bool


class SubmittedWorks:
    """Each call raises Unavailable."""

    def __init__(
        self,
        submissions: SubmissionRepository,
        questions: QuestionRepository,
        grades: GradeRepository,
        lateness: Lateness,
        views: GradeViews,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._submissions = submissions
        self._questions = questions
        self._grades = grades
        self._lateness = lateness
        self._views = views
        self._pseudonyms = pseudonyms

    async def listed(self, assignment: Assignment) -> list[ListedWork]:
        """The attempts that count, by name or by pseudonym: an order that says nothing while people are hidden."""
        now = clock.now()
        works = await self._grades.of_assignment(assignment.id)
        hidden = await self._pseudonyms.hides_people(assignment, now)
        labels = await self._views.labels(assignment, works, now)
        owners = await self._lateness.owners(works)
        late = await self._lateness.of({assignment.id: assignment}, works)
        listed = [
            ListedWork(
                work.attempt_id,
                work.submission_id,
                labels[work.submission_id],
                () if hidden else tuple(owners[work.attempt_id]),
                late[work.attempt_id],
                hidden,
            )
            for work in works
        ]
        return sorted(listed, key=lambda one: (one.name, one.submission_id))

    async def batches(self, assignment: Assignment, listed: Sequence[ListedWork]) -> AsyncIterator[list[Work]]:
        questions = await self._questions.of(assignment.id)
        zone = zone_of(assignment)
        for start in range(0, len(listed), BATCH):
            part = listed[start : start + BATCH]
            attempts = await self._submissions.attempts([one.attempt_id for one in part])
            yield [_work(one, attempts[one.attempt_id], questions, zone) for one in part]


def zone_of(assignment: Assignment) -> str:
    """The zone of the clock that an archive shows: that of the due date, or of another."""
    dates = assignment.dates
    return next((date.zone for date in (dates.due, dates.closes, dates.opens) if date is not None), UTC)


def _work(listed: ListedWork, attempt: Attempt, questions: Sequence[Question], zone: str) -> Work:
    named = not listed.hidden
    return Work(
        name=listed.name,
        students=listed.students,
        submission_id=listed.submission_id,
        attempt=attempt.number,
        turned_in=_clock(attempt.turned_in_at, zone) if named else None,
        days_late=listed.days_late,
        text=attempt.text,
        link=attempt.link,
        answers=tuple(_answers(questions, attempt.answers, attempt.auto_results or ())),
        files=tuple(_file(file, place, named=named) for place, file in enumerate(attempt.files, 1)),
    )


def _file(file: AttemptFile, place: int, *, named: bool) -> WorkFile:
    name = file.name if named else neutral_name("", place, file.type)
    return WorkFile(file.id, name, file.type, file.size, file.sha256)


def _clock(at: datetime, zone: str) -> datetime:
    """What the clock showed, without a zone."""
    return at.astimezone(zone_named(zone)).replace(tzinfo=None)


def _answers(
    questions: Sequence[Question], answers: Mapping[str, GivenAnswer], results: Sequence[QuestionResult]
) -> Iterator[Answered]:
    points = {result.question_id: result.points for result in results}
    for question in questions:
        if (given := answers.get(question.id)) is not None:
            texts = {option.id: option.text for option in question.options}
            chosen = [texts.get(option, option) for option in given.options]
            yield Answered(question.text, chosen or given.text, points.get(question.id))
