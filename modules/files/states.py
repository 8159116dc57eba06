"""The life of a file.

    pending ──► quarantined ──► clean ──► deleted
       │          └───◄───► rejected ─────┘
       └──────────────────────────────────► deleted

A file is `pending` while its bytes are on their way. Completion checks the object in the bucket: its size, its first
bytes, its checksum. What fails is `rejected`. The rest is `quarantined` until the scanner has answered: nobody reads it
but those who check it. `clean` is what others may read. A rejected file stays as a row, so that its owner learns why.
Its object is deleted at once, unless something holds the file whose purpose keeps what was refused: a scanner may be
wrong, and what was handed in is not lost by that. Nobody reads such a file; an admin may have it scanned again.
`deleted` is written after the object is proven to be gone, and is the end.

A step that another process took already is no error: each writer says from which states it goes (`STEPS`), and writes
nothing when the row is in none of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FileState(StrEnum):
    PENDING = "pending"
    QUARANTINED = "quarantined"
    CLEAN = "clean"
    REJECTED = "rejected"
    DELETED = "deleted"


class FileStep(StrEnum):
    COMPLETE = "complete"
    """The object is there, and is what was announced."""
    PASS = "pass"  # noqa: S105
    """The scanner found nothing, or none is used."""
    REJECT = "reject"
    """A check or the scanner refused it."""
    RESCAN = "rescan"
    """An admin has a rejected file scanned again, whose object was kept."""
    DELETE = "delete"
    """The object is gone from the bucket."""


STEPS: Final[dict[FileStep, tuple[frozenset[FileState], FileState]]] = {
    FileStep.COMPLETE: (frozenset({FileState.PENDING}), FileState.QUARANTINED),
    FileStep.PASS: (frozenset({FileState.QUARANTINED}), FileState.CLEAN),
    FileStep.REJECT: (frozenset({FileState.PENDING, FileState.QUARANTINED}), FileState.REJECTED),
    FileStep.RESCAN: (frozenset({FileState.REJECTED}), FileState.QUARANTINED),
    FileStep.DELETE: (
        frozenset({FileState.PENDING, FileState.QUARANTINED, FileState.CLEAN, FileState.REJECTED}),
        FileState.DELETED,
    ),
}

# The states in which a file may become part of something: what is checked. A reader gets it when it is clean.
STORED: Final = frozenset({FileState.QUARANTINED, FileState.CLEAN})
