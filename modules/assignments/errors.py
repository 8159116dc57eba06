"""What assignments refuses, besides the codes of the core.

assignments.not_open         409: it does not open before a moment, which the message names
assignments.closed           409: nothing is taken any more, by the dates that hold for the student
assignments.bad_transition   409: the submission's state has no such step
assignments.attempts_used    409: no attempt is left
assignments.empty            409: there is nothing to turn in
assignments.draft_changed    409: another tab or device has saved the draft since
assignments.grading_begun    409: what is being graded is not reclaimed
assignments.turned_in        409: the change would alter what somebody has turned in already
assignments.work_begun       409: a student has begun work on what would be deleted
assignments.graded           409: the change would alter what was graded already
assignments.too_many         409: the program has as many assignments as it may have
assignments.grade_changed    412: another marker has saved the grade since; the answer has theirs
assignments.attempt_changed  409: the submission counts another attempt now than the one that was marked
assignments.not_released     409: the grade is not released, so nothing can be asked about it
assignments.category_used    409: a category in which assignments are is not deleted
assignments.not_peer_reviewed 409: students do not review each other here, or it is not published
assignments.review_over      409: the grade of the reviewed work is released, or its authors took it back
assignments.archive_busy     429: another archive of the user, or too many of others, are on their way
assignments.not_completed    409: the student has not met the rules of the program, or has no name to print
assignments.certificate_void 409: the certificate was revoked, or its holder was deleted
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from gateway.errors import Conflict

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "assignments.not_open": (409,),
    "assignments.closed": (409,),
    "assignments.bad_transition": (409,),
    "assignments.attempts_used": (409,),
    "assignments.empty": (409,),
    "assignments.draft_changed": (409,),
    "assignments.grading_begun": (409,),
    "assignments.turned_in": (409,),
    "assignments.work_begun": (409,),
    "assignments.graded": (409,),
    "assignments.too_many": (409,),
    "assignments.grade_changed": (412,),
    "assignments.attempt_changed": (409,),
    "assignments.not_released": (409,),
    "assignments.category_used": (409,),
    "assignments.not_peer_reviewed": (409,),
    "assignments.review_over": (409,),
    "assignments.archive_busy": (429,),
    "assignments.not_completed": (409,),
    "assignments.certificate_void": (409,),
}


def not_open(opens_at: datetime) -> Conflict:
    return Conflict(f"this assignment opens at {opens_at.isoformat()}", code="assignments.not_open")


def closed(closed_at: datetime) -> Conflict:
    return Conflict(f"this assignment closed at {closed_at.isoformat()}", code="assignments.closed")


def bad_transition(state: str, step: str) -> Conflict:
    return Conflict(f"a submission that is {state} has no step {step}", code="assignments.bad_transition")


def attempts_used(allowed: int) -> Conflict:
    return Conflict(f"all attempts are used: {allowed}", code="assignments.attempts_used")


def empty() -> Conflict:
    return Conflict("there is nothing to turn in", code="assignments.empty")


def grading_begun() -> Conflict:
    return Conflict("it is being graded, so it stays turned in", code="assignments.grading_begun")


class GradeChanged(Conflict):
    """Another marker has saved the grade since; `current` is it as it is now."""

    status = 412

    def __init__(self, current: object) -> None:
        super().__init__(
            "another marker has saved this grade since: compare, and save again",
            code="assignments.grade_changed",
            current=current,
        )


def attempt_changed() -> Conflict:
    return Conflict("this is not the attempt that counts now; read the new one", code="assignments.attempt_changed")


def turned_in(what: str) -> Conflict:
    return Conflict(f"somebody has turned in already, so this stays as it is: {what}", code="assignments.turned_in")


def graded(what: str) -> Conflict:
    return Conflict(f"something is graded already, so this stays as it is: {what}", code="assignments.graded")


def work_begun() -> Conflict:
    return Conflict("a student has begun work on it, which would be lost", code="assignments.work_begun")


def too_many(most: int) -> Conflict:
    return Conflict(f"a program has at most {most} assignments", code="assignments.too_many")


def not_peer_reviewed() -> Conflict:
    return Conflict("nobody reviews the work of others for this assignment", code="assignments.not_peer_reviewed")


def review_over() -> Conflict:
    return Conflict("this work is not reviewed any more", code="assignments.review_over")
