"""What an archive holds, and what it should hold and does not: a table for people, and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.http.spreadsheet import BOM, written
from modules.assignments.exports.works import EntryState, Work

HEAD: Final = (
    "student",
    "student ids",
    "submission",
    "attempt",
    "turned in",
    "days late",
    "path",
    "file name",
    "type",
    "size",
    "sha256",
    "state",
)


class Entry(msgspec.Struct, frozen=True):
    """One thing that was turned in. `path` is where it is in the archive; empty where it is not.

    `size` is in bytes. `sha256` is what was turned in, in lower-case hex.
    """

    path: str
    name: str
    type: str
    size: int
    sha256: str
    state: EntryState


class ManifestWork(msgspec.Struct, frozen=True):
    """A submission. `turned_in` is what the clock showed in the assignment's zone."""

    student: str
    student_ids: tuple[str, ...]
    submission: str
    attempt: int
    turned_in: datetime | None
    days_late: int
    entries: Sequence[Entry]


class ArchiveHead(msgspec.Struct, frozen=True):
    """The assignment; `made_at` is in UTC, and `zone` is that of what clocks show."""

    assignment_id: str
    title: str
    zone: str
    made_at: datetime


class Manifest(msgspec.Struct, frozen=True):
    """All of an archive. `whole`: nothing that was turned in is missing or changed."""

    assignment: ArchiveHead
    whole: bool
    submissions: Sequence[ManifestWork]


def manifest_work(work: Work, entries: Sequence[Entry]) -> ManifestWork:
    return ManifestWork(
        work.name, work.students, work.submission_id, work.attempt, work.turned_in, work.days_late, entries
    )


def is_whole(works: Iterable[ManifestWork]) -> bool:
    return all(entry.state is EntryState.THERE for work in works for entry in work.entries)


def as_csv(manifest: Manifest) -> bytes:
    """A row for each thing that was turned in. No cell is a formula."""
    rows = [
        (
            work.student,
            " ".join(work.student_ids),
            work.submission,
            str(work.attempt),
            "" if work.turned_in is None else work.turned_in.isoformat(sep=" ", timespec="seconds"),
            str(work.days_late),
            entry.path,
            entry.name,
            entry.type,
            str(entry.size),
            entry.sha256,
            entry.state,
        )
        for work in manifest.submissions
        for entry in work.entries
    ]
    return (BOM + written(HEAD, rows)).encode()


def as_json(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)
