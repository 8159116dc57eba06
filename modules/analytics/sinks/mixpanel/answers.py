"""What Mixpanel's answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import httpx
import msgspec

from modules.analytics.facade import DeletionProgress, OutgoingEvent, RefusedEvent, SinkFault

REASON: Final = 300
LONGEST_WAIT: Final = 3600.0
# The end of a deletion. Any other state goes on.
ENDS: Final = {
    "SUCCESS": DeletionProgress.DONE,
    "FAILURE": DeletionProgress.LOST,
    "REVOKED": DeletionProgress.LOST,
    "NOT_FOUND": DeletionProgress.LOST,
}

T = TypeVar("T")


class TooLarge(Exception):
    """The body is beyond a limit of Mixpanel's: it is to be sent in two halves."""


class FailedRecord(msgspec.Struct):
    index: int
    field: str = ""
    message: str = ""


class Imported(msgspec.Struct):
    code: int = 0
    num_records_imported: int | None = None
    failed_records: list[FailedRecord] = []


class Task(msgspec.Struct):
    task_id: str


class TaskMade(msgspec.Struct):
    results: Task


class TaskState(msgspec.Struct):
    status: str


class TaskFound(msgspec.Struct):
    results: TaskState


def refused_of(answer: httpx.Response, events: Sequence[OutgoingEvent]) -> list[RefusedEvent]:
    """What of a batch Mixpanel refused for good; the rest is imported. Raises TooLarge and SinkFault."""
    if answer.status_code == 413:
        raise TooLarge
    if answer.status_code not in (200, 400):
        raise fault_of(answer)
    imported = _read(answer, Imported)
    if answer.status_code == 200 and imported.num_records_imported is None:
        # Whoever answers so is not Mixpanel.
        raise SinkFault("answer")
    refused = [
        RefusedEvent(events[one.index], f"{one.field}: {one.message}"[:REASON])
        for one in imported.failed_records
        if 0 <= one.index < len(events)
    ]
    if answer.status_code == 400 and not refused:
        # It says of no event what is wrong: nothing was imported.
        raise SinkFault("refused")
    return refused


def task_of(answer: httpx.Response) -> str:
    """The name of a deletion. Raises SinkFault."""
    if answer.status_code != 200:
        raise fault_of(answer)
    return _read(answer, TaskMade).results.task_id


def progress_of(answer: httpx.Response) -> DeletionProgress:
    """What became of a deletion. Raises SinkFault."""
    if answer.status_code == 404:
        return DeletionProgress.LOST
    if answer.status_code != 200:
        raise fault_of(answer)
    return ENDS.get(_read(answer, TaskFound).results.status, DeletionProgress.GOES_ON)


def fault_of(answer: httpx.Response) -> SinkFault:
    said = answer.headers.get("Retry-After", "")
    wait = min(float(said), LONGEST_WAIT) if said.isascii() and said.isdigit() and len(said) < 10 else None
    return SinkFault(str(answer.status_code), retry_after=wait)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError:
        raise SinkFault("answer") from None
