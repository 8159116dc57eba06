"""What is taken of a student, and when: every check before a draft is saved or turned in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from gateway.errors import BadInput, Conflict, invalid
from modules.assignments import errors
from modules.assignments.dates.effective import EffectiveDates
from modules.assignments.records import Assignment, WorkKind
from modules.assignments.states import STEPS, SubmissionState, SubmissionStep
from modules.files.facade import FileFacts

FILE_KINDS = frozenset({WorkKind.FILES, WorkKind.PAGES})


def check_open(dates: EffectiveDates, now: datetime) -> None:
    """Raises Conflict `assignments.not_open`."""
    if dates.opens_at is not None and now < dates.opens_at:
        raise errors.not_open(dates.opens_at)


def check_not_closed(dates: EffectiveDates, at: datetime, *, grace: float = 0.0) -> None:
    """Raises Conflict `assignments.closed` from `grace` seconds after the closing on. The closing itself is in time."""
    if dates.closes_at is not None and at > dates.closes_at + timedelta(seconds=grace):
        raise errors.closed(dates.closes_at)


def check_kinds(assignment: Assignment, text: str, link: str, answers: Collection[str], files: int) -> None:
    """Check that the assignment takes what is handed in. Raises BadInput `invalid`."""
    for field, given, kinds in (
        ("text", bool(text), {WorkKind.TEXT}),
        ("link", bool(link), {WorkKind.LINK}),
        ("answers", bool(answers), {WorkKind.QUESTIONS}),
        ("files", bool(files), FILE_KINDS),
    ):
        if given and kinds.isdisjoint(assignment.accepts):
            raise invalid(f"this assignment takes no {field}", field=field)
    if files > assignment.files_most:
        raise invalid(f"this assignment takes at most {assignment.files_most} files", field="files")


def check_targets(assignment: Assignment, files: Collection[FileFacts]) -> None:
    """Check that files were uploaded for this assignment: who reads them, and under which name, goes by that."""
    for file in files:
        if file.target != assignment.id:
            raise invalid(f"the file {file.id} was uploaded for something else", field="files")


def check_types(assignment: Assignment, files: Collection[FileFacts]) -> None:
    """Check the files of a draft against what the assignment takes now, which may have changed since the upload."""
    for file in files:
        if assignment.file_types and file.type not in assignment.file_types:
            raise invalid(f"this assignment takes no files of the type {file.type}", field="files")
        if file.size > assignment.file_bytes:
            raise invalid(f"a file may have at most {assignment.file_bytes} bytes here", field="files")


def next_state(state: SubmissionState, step: SubmissionStep) -> SubmissionState:
    """Raises Conflict `assignments.bad_transition` where the table has no such step."""
    if (after := STEPS.get((state, step))) is None:
        raise errors.bad_transition(state, step)
    return after


def check_attempts(used: int, allowed: int | None) -> None:
    """Raises Conflict `assignments.attempts_used`."""
    if allowed is not None and used >= allowed:
        raise errors.attempts_used(allowed)


def draft_changed(current: object) -> BadInput:
    return Conflict(
        "the draft was saved somewhere else since; merge with it", code="assignments.draft_changed", current=current
    )
