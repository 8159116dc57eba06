"""What each figure must be, by the books of the players: a numerator and a denominator for each measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from loadtests.school.books import ClassBook, CourseBook
from loadtests.school.course import LESSONS

# What a grade says of all points is kept in ten-thousandths.
WHOLE: Final = 10_000
ASSIGNMENTS: Final = 2
# By the clocks of players, who hear of what they do a little later: seconds for each user or receipt.
SLACK: Final = 3.0


class Expected(msgspec.Struct, frozen=True):
    """`near` is how far the numerator may be off, because it is a time."""

    numerator: float
    denominator: int | None = None
    near: float = 0.0

    def fits(self, numerator: int, denominator: int | None) -> bool:
        return abs(numerator - self.numerator) <= self.near and denominator == self.denominator


def of_staff(course: CourseBook, classes: Sequence[ClassBook]) -> dict[str, Expected]:
    """Of all that was played: what a mentor or an admin sees of it."""
    came = sum(len(one.came) for one in classes)
    attended = sum(len(one.attended) for one in classes)
    late = sum(len(one.late) for one in classes)
    stays = sum(sum(one.stays.values()) for one in classes)
    stars = [given for one in classes for given in one.stars.values()]
    said = sum(sum(one.messages.values()) + sum(one.questions.values()) for one in classes)
    said += sum(len(one.hands) + len(one.votes) for one in classes)
    polled = [one for one in classes if one.votes]
    learners, turned_in = course.learners, list(course.turned_in.values())
    free = sum(len(one.expected) for one in classes if one.program != course.program)
    waited = list(course.graded.values())
    return {
        "attendance": Expected(attended, sum(len(one.expected) for one in classes)),
        "lateness": Expected(late, attended),
        "class_time": Expected(stays, came, came * SLACK),
        "watch_time": Expected(stays, None, came * SLACK),
        "sessions": Expected(len(classes)),
        "drop_off": Expected(sum(len(one.short) for one in classes), came),
        "engagement": Expected(sum(len(one.took_part) for one in classes), came),
        "poll_participation": Expected(sum(len(one.votes) for one in polled), sum(len(one.came) for one in polled)),
        "contributions": Expected(said),
        "stars": Expected(sum(stars), len(stars)),
        "lesson_completion": Expected(sum(course.lessons_done.values()), len(learners) * LESSONS),
        "assignment_completion": Expected(len(turned_in), len(learners) * ASSIGNMENTS),
        "program_completion": Expected(_completed(course), len(learners) + free),
        "on_time": Expected(sum(state == "on_time" for state in turned_in), len(turned_in)),
        "score": Expected(round(sum(course.points.values()) * WHOLE), len(course.points) * WHOLE),
        "time_to_grade": Expected(sum(waited), len(waited), len(waited) * SLACK),
        "enrolments": Expected(len(course.paid) + free),
        "learners": Expected(len(_learned(course, classes))),
        # No week was played to its end.
        "retention": Expected(0, 0),
        # Nobody's screen told of any.
        "views": Expected(0),
    }


def of_business(course: CourseBook, classes: Sequence[ClassBook]) -> dict[str, Expected]:
    """What only an admin sees."""
    revenue, refunds = len(course.paid) * course.price, sum(course.refunded.values())
    attempts = len(course.paid) + course.failed_attempts
    return {
        "orders": Expected(len(course.ordered)),
        "payment_success": Expected(len(course.paid), len(course.attempted)),
        "attempt_success": Expected(len(course.paid), attempts),
        "revenue": Expected(revenue),
        "refunds": Expected(refunds),
        "net_revenue": Expected(revenue - refunds),
        "funnel": Expected(funnel(course, classes)["completed"], len(course.ordered)),
    }


def funnel(course: CourseBook, classes: Sequence[ClassBook]) -> dict[str, int]:
    """How many orders came to which step."""
    attended = {user for one in classes if one.program == course.program for user in one.came} & course.paid
    completed = {user for user in attended if course.lessons_done.get(user) == LESSONS}
    return {
        "ordered": len(course.ordered),
        "paid": len(course.paid),
        "attended": len(attended),
        "completed": len(completed),
    }


def of_student(user: str, course: CourseBook, classes: Sequence[ClassBook]) -> dict[str, Expected]:
    """What one student sees."""
    mine = [one for one in classes if user in one.expected]
    came = [one for one in mine if user in one.came]
    turned_in = [state for (_, by), state in course.turned_in.items() if by == user]
    points = [score for (_, by), score in course.points.items() if by == user]
    in_course = int(user in course.learners)
    free = {one.program for one in mine} - {course.program}
    return {
        "attendance": Expected(sum(user in one.attended for one in mine), len(mine)),
        "class_time": Expected(sum(one.stays[user] for one in came), len(came), len(came) * SLACK),
        "engagement": Expected(sum(user in one.took_part for one in came), len(came)),
        "lesson_completion": Expected(course.lessons_done.get(user, 0), in_course * LESSONS),
        "assignment_completion": Expected(len(turned_in), in_course * ASSIGNMENTS),
        "program_completion": Expected(int(course.lessons_done.get(user) == LESSONS), in_course + len(free)),
        "on_time": Expected(turned_in.count("on_time"), len(turned_in)),
        "score": Expected(round(sum(points) * WHOLE), len(points) * WHOLE),
    }


def _completed(course: CourseBook) -> int:
    return sum(number == LESSONS for number in course.lessons_done.values())


def _learned(course: CourseBook, classes: Sequence[ClassBook]) -> set[str]:
    watched = {user for one in classes for user in one.came}
    return watched | {user for user, number in course.lessons_done.items() if number} | course.handed_in
