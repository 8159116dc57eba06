"""What an archive holds of one submission, as its readers may know it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class EntryState(StrEnum):
    """What became of one thing that was turned in."""

    THERE = "there"
    """It is in the archive, with the hash that was turned in."""
    BEING_CHECKED = "being_checked"
    """The scanner has not answered yet; ask again later."""
    REJECTED = "rejected"
    """The scanner refused it."""
    LOST = "lost"
    """The object is not in the bucket, or the file was deleted."""
    CHANGED = "changed"
    """It is in the archive, and is not what was turned in."""


class Answered(msgspec.Struct, frozen=True):
    """A question with what was answered, as people read it: the texts of options, or a text.

    `points` are those of the key; null for a question without one.
    """

    question: str
    answer: list[str] | str
    points: Decimal | None = None


class WorkFile(msgspec.Struct, frozen=True):
    """A file as it was turned in. `size` is in bytes."""

    id: str
    name: str
    type: str
    size: int
    sha256: str


class Work(msgspec.Struct, frozen=True):
    """One submission's latest attempt. `name` is of the student or of the group, or the pseudonym.

    An anonymous one has neither ids nor moments, and its files have no names of their own.
    """

    name: str
    students: tuple[str, ...]
    submission_id: str
    attempt: int
    # What the clock of the assignment's zone showed; null where it would say who it is.
    turned_in: datetime | None
    days_late: int
    text: str
    link: str
    answers: tuple[Answered, ...]
    files: tuple[WorkFile, ...]
