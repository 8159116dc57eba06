"""What is known of an attempt when it is graded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from modules.assignments.grading.visibility import GradeState, ReleasePolicy, visible_version
from modules.assignments.records import Assignment


class Work(msgspec.Struct, frozen=True):
    """An attempt with the row of its grade; `state` is null, and `rev` 0, while it has none.

    `members` are those whose work it was when it was turned in; who is in the group now is read beside it.
    """

    attempt_id: str
    submission_id: str
    assignment_id: str
    user_id: str | None
    group_id: str | None
    members: tuple[str, ...]
    counted_at: datetime
    auto_points: Decimal | None
    # Whether the submission counts this attempt.
    counts: bool
    state: GradeState | None
    version: int
    released_version: int | None
    released_at: datetime | None
    rev: int

    def visible(self, policy: ReleasePolicy, now: datetime) -> int | None:
        """The version that its students see now."""
        if self.state is None:
            return None
        return visible_version(self.state, self.version, self.released_version, policy, now)

    def seen_from(self, policy: ReleasePolicy, now: datetime) -> datetime | None:
        """Since when its students see that version."""
        visible = self.visible(policy, now)
        if visible is None or visible == self.released_version:
            return self.released_at if visible is not None else None
        return policy.release_at


def policy_of(assignment: Assignment) -> ReleasePolicy:
    return ReleasePolicy(assignment.release, assignment.release_at)


def work_of(row: Mapping[str, Any]) -> Work:
    """From a row with all fields of the struct."""
    values = {name: row[name] for name in Work.__struct_fields__}
    values["members"] = tuple(values["members"])
    values["state"] = None if values["state"] is None else GradeState(values["state"])
    return Work(**values)
