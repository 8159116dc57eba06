"""What the events of live mean as figures, the events of its screens, and what its rows say of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Final

import msgspec

from modules.analytics.facade import ClientEventType, Fact, FactType, SourceCount, SourceEvents, Tracked
from modules.live.events import (
    AttendanceRecorded,
    Attendee,
    SessionCancelled,
    SessionEnded,
    SessionMoved,
    SessionScheduled,
    SessionStarted,
    StarsGiven,
)
from modules.live.fact_rows import attended_rows, ended_rows, source_events, star_rows

BUCKET_SECONDS: Final = 900
TENTHS: Final = 10


def scheduled(event: SessionScheduled | SessionMoved, published: datetime) -> Iterable[Fact]:
    planned = round((event.ends_at - event.starts_at).total_seconds())
    yield _session(event, published, "scheduled", planned)


def cancelled(event: SessionCancelled, published: datetime) -> Iterable[Fact]:
    yield _session(event, published, "cancelled", 0)


def started(event: SessionStarted, published: datetime) -> Iterable[Fact]:
    yield _session(event, event.at, "live", 0)


def ended(event: SessionEnded, published: datetime) -> Iterable[Fact]:
    fact = partial(Fact, at=event.at, program_id=event.program_id, session_id=event.session_id, key=event.session_id)
    figures = event.figures
    yield _session(event, event.at, "ended", figures.seconds)
    yield fact(name="live.peak", value=figures.peak_viewers)
    if figures.stream is not None:
        yield fact(name="live.stream", value=figures.stream.lost_seconds)


def attended(event: AttendanceRecorded, published: datetime) -> Iterable[Fact]:
    """Who was there, when, and what they did; and what was said by all together."""
    fact = partial(Fact, program_id=event.program_id, session_id=event.session_id)
    for one in event.attendees:
        yield fact(
            name="live.attended",
            at=event.at,
            user_id=one.user_id,
            key=event.session_id,
            label=one.state,
            value=one.seconds,
        )
        if one.state not in ("host", "absent"):
            yield from _watched(event, one)
            yield from _took_part(event, one)
    for said in event.said:
        yield fact(name="live.said", at=said.at, label=said.kind, value=said.count)
    for poll in event.polls:
        at = min(max(poll.opened_at, event.started_at), event.at)
        label = "anonymous" if poll.anonymous else "named"
        yield fact(name="live.poll_taken", at=at, key=poll.poll_id, label=label, value=poll.voters)


def starred(event: StarsGiven, published: datetime) -> Iterable[Fact]:
    """Stars that are changed take back those of before, at the same moment: so they are right in any window."""
    fact = partial(
        Fact,
        name="live.stars",
        at=event.at,
        program_id=event.program_id,
        session_id=event.session_id,
        part=event.change_id,
    )
    yield fact(label=str(event.stars), value=1)
    if event.before is not None:
        yield fact(label=str(event.before), value=-1)


def _session(
    event: SessionScheduled | SessionMoved | SessionCancelled | SessionStarted | SessionEnded,
    at: datetime,
    state: str,
    seconds: int,
) -> Fact:
    id = event.session_id
    return Fact(
        name="live.session",
        at=at,
        program_id=event.program_id,
        session_id=id,
        key=id,
        label=state,
        value=seconds,
    )


def _watched(event: AttendanceRecorded, one: Attendee) -> Iterator[Fact]:
    """The seconds in each 15 minutes, which add up to `seconds`; and in which tenth of the class they came and left."""
    if not one.spans:
        return
    fact = partial(Fact, user_id=one.user_id, program_id=event.program_id, session_id=event.session_id)
    start = round(event.started_at.timestamp() * 1000)
    length = max(1, round(event.at.timestamp() * 1000) - start)
    buckets: dict[int, tuple[int, int]] = {}
    for begun, left in one.spans:
        place = start + begun
        while place < start + left:
            number = place // (BUCKET_SECONDS * 1000)
            until = min(start + left, (number + 1) * BUCKET_SECONDS * 1000)
            first, length_ms = buckets.get(number, (place, 0))
            buckets[number] = first, length_ms + until - place
            place = until
    told = passed = 0
    last = max(buckets, default=0)
    for number, (first, length_ms) in sorted(buckets.items()):
        passed += length_ms
        # Rounded as a sum, so that nothing is lost; the last gets what `seconds` has left.
        until = one.seconds if number == last else min(round(passed / 1000), one.seconds)
        yield fact(name="live.watched", at=_after(event.started_at, first - start), value=until - told)
        told = until
    came, gone = one.spans[0][0], one.spans[-1][1]
    for name, at in (("live.joined_at", came), ("live.left_at", gone)):
        tenth = min(TENTHS - 1, max(0, at * TENTHS // length))
        yield fact(name=name, at=_after(event.started_at, at), label=str(tenth), value=1)


def _took_part(event: AttendanceRecorded, one: Attendee) -> Iterator[Fact]:
    done = {"chat": one.messages, "hand": int(one.hand), "question": one.questions, "poll": one.votes}
    for kind, count in done.items():
        if count:
            yield Fact(
                name="live.took_part",
                at=event.at,
                user_id=one.user_id,
                program_id=event.program_id,
                session_id=event.session_id,
                key=f"{event.session_id}:{kind}",
                label=kind,
                value=count,
            )


def _after(start: datetime, milliseconds: int) -> datetime:
    return start + timedelta(milliseconds=milliseconds)


class PlayerStalled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`live.player_stalled`: the picture of a class stood still in the viewer's player for so long."""

    session_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    milliseconds: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


def stalled(event: PlayerStalled) -> Tracked:
    return Tracked(session_id=event.session_id, value=event.milliseconds)


FACTS: Final = (
    FactType(event=SessionScheduled, facts=scheduled, names=("live.session",), registers=("live.session",)),
    FactType(event=SessionMoved, facts=scheduled, names=("live.session",), registers=("live.session",)),
    FactType(event=SessionCancelled, facts=cancelled, names=("live.session",), registers=("live.session",)),
    FactType(event=SessionStarted, facts=started, names=("live.session",), registers=("live.session",)),
    FactType(
        event=SessionEnded,
        facts=ended,
        names=("live.session", "live.peak", "live.stream"),
        registers=("live.session", "live.peak", "live.stream"),
    ),
    FactType(
        event=AttendanceRecorded,
        facts=attended,
        names=(
            "live.attended",
            "live.watched",
            "live.joined_at",
            "live.left_at",
            "live.took_part",
            "live.said",
            "live.poll_taken",
        ),
        registers=("live.attended", "live.took_part", "live.poll_taken"),
        activity=("live.watched",),
    ),
    FactType(event=StarsGiven, facts=starred, names=("live.stars",)),
    ClientEventType(name="live.player_stalled", properties=PlayerStalled, tracked=stalled),
    SourceCount(name="live.attended", count=attended_rows),
    SourceCount(name="live.session", count=ended_rows, labels=("ended",)),
    SourceCount(name="live.stars", count=star_rows),
    SourceEvents(read=source_events),
)
