"""The row of an assignment, as all packages read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from modules.assignments.dates.effective import Dates
from modules.assignments.dates.late_policy import LateKind, LatePolicy
from modules.assignments.dates.wall_time import WallTime


class AssignmentState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class WorkKind(StrEnum):
    """What may be handed in."""

    TEXT = "text"
    FILES = "files"
    PAGES = "pages"
    """Photographs, in order."""
    LINK = "link"
    QUESTIONS = "questions"


class Release(StrEnum):
    """When students see final grades."""

    AT_ONCE = "at_once"
    TOGETHER = "together"
    """When a mentor says so."""
    AT_TIME = "at_time"


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment. `attempts` null is as many as one likes; a `category_id` null counts in no category.

    `file_types` are media types, empty for those that the platform takes; `file_bytes` is the most of one file, and
    `files_most` how many there may be. `release_at` is with `Release.AT_TIME`. `peer_reviews` is how many submissions
    each student reviews.
    """

    id: str
    program_id: str
    lesson_id: str | None
    title: str
    instructions: str
    state: AssignmentState
    accepts: tuple[WorkKind, ...]
    points: Decimal
    category_id: str | None
    extra_credit: bool
    opens: WallTime | None
    due: WallTime | None
    closes: WallTime | None
    late: LatePolicy
    attempts: int | None
    file_types: tuple[str, ...]
    file_bytes: int
    files_most: int
    group_set_id: str | None
    anonymous: bool
    release: Release
    release_date: WallTime | None
    peer_reviews: int
    published_at: datetime | None
    created_by: str
    created_at: datetime
    rev: int

    @property
    def published(self) -> bool:
        return self.state is AssignmentState.PUBLISHED

    @property
    def dates(self) -> Dates:
        return Dates(self.opens, self.due, self.closes)

    @property
    def release_at(self) -> datetime | None:
        return None if self.release_date is None else self.release_date.moment()


def date_of(row: Mapping[str, Any], name: str) -> WallTime | None:
    """The date in the columns `<name>_wall`, `<name>_zone` and `<name>_at`."""
    wall = row[f"{name}_wall"]
    return None if wall is None else WallTime(wall, row[f"{name}_zone"], row[f"{name}_at"])


def assignment_of(row: Mapping[str, Any]) -> Assignment:
    """An assignment from a row with all columns of its table."""
    return Assignment(
        id=row["id"],
        program_id=row["program_id"],
        lesson_id=row["lesson_id"],
        title=row["title"],
        instructions=row["instructions"],
        state=AssignmentState(row["state"]),
        accepts=tuple(WorkKind(kind) for kind in row["accepts"]),
        points=row["points"],
        category_id=row["category_id"],
        extra_credit=row["extra_credit"],
        opens=date_of(row, "opens"),
        due=date_of(row, "due"),
        closes=date_of(row, "closes"),
        late=LatePolicy(LateKind(row["late_kind"]), row["late_percent"], row["late_floor"]),
        attempts=row["attempts"],
        file_types=tuple(row["file_types"]),
        file_bytes=row["file_bytes"],
        files_most=row["files_most"],
        group_set_id=row["group_set_id"],
        anonymous=row["anonymous"],
        release=Release(row["release"]),
        release_date=date_of(row, "release"),
        peer_reviews=row["peer_reviews"],
        published_at=row["published_at"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        rev=row["rev"],
    )
