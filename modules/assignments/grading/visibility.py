"""Which version of a grade a student sees now. All that a student may read, is pushed or is counted goes through here.

A version is for markers until it is released. What was released stays: a newer version is not seen before it is
released in its turn. With a release at a time the clock decides, so a timer that comes late hides nothing and shows
nothing: it only tells (`release.py`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from modules.assignments.records import Release


class GradeState(StrEnum):
    DRAFT = "draft"
    """Markers go on with it."""
    FINAL = "final"
    """It may be released."""


class ReleasePolicy(msgspec.Struct, frozen=True):
    """An assignment's. `release_at` is null but for a release at a time."""

    release: Release
    release_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether a final grade is seen without anybody's release of it."""
        return self.release is Release.AT_TIME and self.release_at is not None and self.release_at <= now


def visible_version(
    state: GradeState, version: int, released_version: int | None, policy: ReleasePolicy, now: datetime
) -> int | None:
    """The version that the student sees, of a grade as its row is; None when there is nothing to see."""
    if state is GradeState.FINAL and policy.due(now):
        return version
    return released_version
