"""Divides students into groups. No IO."""

from __future__ import annotations

from collections.abc import Sequence


def counts(students: int, *, groups: int | None, size: int | None) -> int:
    """How many groups are made of so many students: no empty one, and none larger than `size`."""
    if groups is not None:
        return min(groups, students)
    return -(-students // (size or 1))


def dealt(students: Sequence[str], groups: int) -> list[list[str]]:
    """The students, who are in random order, one after the other to each group: sizes differ by one at the most."""
    return [list(students[first::groups]) for first in range(groups)]
