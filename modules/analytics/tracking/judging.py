"""Judging: what becomes of each event of a request. No IO."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from modules.analytics.intake.client_events import ClientEvent
from modules.analytics.tracking import metrics
from modules.analytics.tracking.event_time import corrected, is_near, skew
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.messages import Outcome, Refusal, Taken, Track, TrackedEvent, Tracking

VERSION: Final = 7


class Judged(msgspec.Struct, frozen=True):
    """The events to keep, and the answer once they are kept."""

    kept: list[ClientEvent]
    answer: Tracking

    def count(self) -> None:
        for one in self.answer.events:
            metrics.tracked.labels((one.code or one.outcome).value).inc()


class _NotTaken(Exception):
    """An event that is refused, with its code and the reason."""

    def __init__(self, code: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def judge(
    track: Track, types: ClientEventTypes, arrived_at: datetime, *, user_id: str, declined: bool, human: int
) -> Judged:
    """Decide about each event. `user_id` is whose they are, empty for nobody's; `human` is how many a person can cause.

    With `declined` the user wants none of them stored.
    """
    skewed = skew(track.sent_at, arrived_at)
    kept: dict[UUID, ClientEvent] = {}
    taken: list[Taken] = []
    for number, event in enumerate(track.events):
        try:
            if number >= human:
                raise _NotTaken(Refusal.BOT, "programs, and more events in a minute than a person causes, are left out")
            if declined:
                taken.append(Taken(event.id, Outcome.DECLINED))
                continue
            made = _made(event, types, skewed, arrived_at, user_id)
        except _NotTaken as error:
            taken.append(Taken(event.id, Outcome.REFUSED, error.code, str(error)))
            continue
        taken.append(Taken(event.id, Outcome.REPEATED if made.id in kept else Outcome.ACCEPTED))
        kept.setdefault(made.id, made)
    return Judged(list(kept.values()), Tracking(taken))


def _made(
    event: TrackedEvent, types: ClientEventTypes, skewed: timedelta, arrived_at: datetime, user_id: str
) -> ClientEvent:
    """The event as it is kept; raises _NotTaken."""
    kind = types.by_name.get(event.name)
    if kind is None:
        raise _NotTaken(Refusal.UNKNOWN_EVENT, "no module takes events of this name")
    try:
        tracked = kind.tracked(msgspec.convert(event.properties, kind.properties))
    except msgspec.ValidationError as error:
        raise _NotTaken(Refusal.BAD_PROPERTIES, str(error)) from error
    return ClientEvent(
        id=_id(event.id, arrived_at),
        at=_at(event.at, skewed, arrived_at),
        name=event.name,
        user_id=user_id,
        program_id=tracked.program_id,
        session_id=tracked.session_id,
        label=tracked.label,
        value=tracked.value,
    )


def _id(text: str, arrived_at: datetime) -> UUID:
    try:
        id = UUID(text)
    except ValueError:
        id = None
    if id is None or id.version != VERSION:
        raise _NotTaken(Refusal.BAD_ID, "the id is no UUIDv7")
    if not is_near(id, arrived_at):
        raise _NotTaken(Refusal.BAD_TIME, "the id is from more than 7 days ago, or from more than a day ahead")
    return id


def _at(at: datetime, skewed: timedelta, arrived_at: datetime) -> datetime:
    try:
        found = corrected(at, skewed, arrived_at) if at.tzinfo is not None else None
    except OverflowError:
        found = None
    if found is None:
        raise _NotTaken(Refusal.BAD_TIME, "it happened more than 7 days ago, or its time has no zone")
    return found
