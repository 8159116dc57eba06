"""The event that says who was in a class and what they did there. Pure: report and participation in, events out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.contract import MessageCount
from modules.live.attendance.intervals import Interval
from modules.live.attendance.participation_repository import Asked, Hand
from modules.live.attendance.report import Attendance, Report
from modules.live.events import AttendanceRecorded, Attended, Attendee, PollTaken, Said

BUCKET: Final = timedelta(minutes=15)
"""How long a time is that `Said` counts."""
# Of one event, so that it stays far below `KSMP_EVENT_BYTES`.
USERS: Final = 200
SPANS: Final = 5000


@dataclass(frozen=True, kw_only=True)
class Participation:
    """What was done in a session's room."""

    messages: Sequence[MessageCount] = ()
    hands: Sequence[Hand] = ()
    questions: Sequence[Asked] = ()
    votes: Mapping[str, int]
    polls: Sequence[PollTaken] = ()


@dataclass(frozen=True)
class ClassHeld:
    """Which session it is, and when it took place."""

    session_id: str
    program_id: str
    started_at: datetime
    ended_at: datetime


def recorded(held: ClassHeld, report: Report, done: Participation) -> list[AttendanceRecorded]:
    """The events of a class; there is at least one, also when nobody was there."""
    parts: list[list[Attendee]] = [[]]
    spans = 0
    for one in _attendees(held, report, done):
        spans += len(one.spans)
        if parts[-1] and (len(parts[-1]) >= USERS or spans > SPANS):
            parts.append([])
            spans = len(one.spans)
        parts[-1].append(one)
    return [
        AttendanceRecorded(
            session_id=held.session_id,
            program_id=held.program_id,
            started_at=held.started_at,
            at=held.ended_at,
            part=number,
            attendees=tuple(part),
            said=() if number else tuple(_said(held, done)),
            polls=() if number else tuple(done.polls),
        )
        for number, part in enumerate(parts)
    ]


def _attendees(held: ClassHeld, report: Report, done: Participation) -> Iterator[Attendee]:
    messages: Counter[str | None] = Counter()
    for said in done.messages:
        messages[said.author_id] += said.count
    questions = Counter(one.user_id for one in done.questions)
    hands = {one.user_id for one in done.hands}
    for row in report.rows:
        id = row.user_id
        yield Attendee(
            user_id=id,
            state=_state(row, expected=id in report.expected),
            seconds=row.seconds,
            spans=tuple(_offsets(report.spans.get(id, ()), held.started_at)),
            messages=messages[id],
            questions=questions[id],
            votes=done.votes.get(id, 0),
            hand=id in hands,
        )


def _state(row: Attendance, *, expected: bool) -> Attended:
    if row.role == "host":
        return "host"
    if not row.visits:
        return "absent"
    if not expected:
        return "guest"
    if not row.present:
        return "partial"
    return "late" if row.late else "present"


def _offsets(spans: Iterable[Interval], start: datetime) -> Iterator[tuple[int, int]]:
    for begun, ended in spans:
        yield round((begun - start.timestamp()) * 1000), round((ended - start.timestamp()) * 1000)


def _said(held: ClassHeld, done: Participation) -> Iterator[Said]:
    """By kind and time. What was before or after the class, as in its lobby, counts at its first or last moment."""
    counts: Counter[tuple[str, datetime]] = Counter()
    for message in done.messages:
        counts["message", _bucket(held, message.at)] += message.count
    moments = {
        "question": [one.asked_at for one in done.questions],
        "hand": [one.raised_at for one in done.hands],
        "poll": [one.opened_at for one in done.polls],
    }
    for kind, ats in moments.items():
        counts.update((kind, _bucket(held, at)) for at in ats)
    for (kind, at), count in sorted(counts.items()):
        yield Said(kind, at, count)  # type: ignore[arg-type]


def _bucket(held: ClassHeld, at: datetime) -> datetime:
    """Where the 15 minutes of this moment begin, and not before the class."""
    inside = min(max(at, held.started_at), held.ended_at)
    seconds = int(inside.timestamp())
    begun = datetime.fromtimestamp(seconds - seconds % int(BUCKET.total_seconds()), UTC)
    return max(begun, held.started_at)
