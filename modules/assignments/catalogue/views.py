"""An assignment as answers and pushes show it."""

from __future__ import annotations

from typing import Any

from modules.assignments.catalogue.date_messages import shown
from modules.assignments.catalogue.effective import Terms
from modules.assignments.catalogue.handed_in import OwnWork
from modules.assignments.catalogue.messages import AssignmentView, Yours
from modules.assignments.decimals import rounded
from modules.assignments.records import Assignment


def fields_of(assignment: Assignment) -> dict[str, Any]:
    """The fields of an AssignmentView, for structs that have more."""
    return {
        "id": assignment.id,
        "program_id": assignment.program_id,
        "lesson_id": assignment.lesson_id,
        "title": assignment.title,
        "state": assignment.state,
        "accepts": assignment.accepts,
        "points": rounded(assignment.points),
        "category_id": assignment.category_id,
        "extra_credit": assignment.extra_credit,
        "opens": shown(assignment.opens),
        "due": shown(assignment.due),
        "closes": shown(assignment.closes),
        "late_kind": assignment.late.kind,
        "late_percent": rounded(assignment.late.percent),
        "late_floor": rounded(assignment.late.floor),
        "attempts": assignment.attempts,
        "file_types": assignment.file_types,
        "file_bytes": assignment.file_bytes,
        "files_most": assignment.files_most,
        "group_set_id": assignment.group_set_id,
        "anonymous": assignment.anonymous,
        "release": assignment.release,
        "release_at": shown(assignment.release_date),
        "peer_reviews": assignment.peer_reviews,
        "published_at": assignment.published_at,
        "created_at": assignment.created_at,
        "rev": assignment.rev,
    }


def view_of(assignment: Assignment) -> AssignmentView:
    return AssignmentView(**fields_of(assignment))


def yours_of(terms: Terms, work: OwnWork | None) -> Yours:
    """What holds for a student, and how far they are; without work nothing was begun."""
    return Yours(
        opens=shown(terms.dates.opens),
        due=shown(terms.dates.due),
        closes=shown(terms.dates.closes),
        rule=terms.dates.rule,
        closes_rule=terms.dates.closes_rule,
        attempts=terms.attempts,
        attempts_used=0 if work is None else work.attempts_used,
        state=None if work is None else work.state,
        turned_in_at=None if work is None else work.turned_in_at,
    )
