"""What clients send and get of events that they track."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway import clock
from gateway.identifier import new_id

Id = Annotated[str, Meta(max_length=36, description="A UUIDv7 that the client made with the event, once")]
Name = Annotated[str, Meta(max_length=100, description="One of `GET /analytics/event-types`")]


class TrackedEvent(msgspec.Struct, frozen=True):
    """Something that happened on a screen. `id` and `at` are the same in every attempt to send it.

    `at` is when it happened by the client's clock, however far that is off.
    """

    id: Id
    name: Name
    at: datetime
    properties: dict[str, str | int | float | bool | None] = {}


class Track(msgspec.Struct, frozen=True):
    """Events to take in. `sent_at` is the client's clock now, read again for each attempt to send them."""

    sent_at: datetime
    events: list[TrackedEvent]

    @classmethod
    def example(cls) -> Track:
        now = clock.now()
        event = TrackedEvent(new_id(), "analytics.page_viewed", now - timedelta(seconds=2), {"page": "dashboard"})
        return cls(now, [event])


class Outcome(StrEnum):
    """`declined`: the user does not want it. `repeated`: the same id came earlier in this request."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    DECLINED = "declined"
    REFUSED = "refused"


class Refusal(StrEnum):
    """Why an event is not taken. None of them is taken later either, so the client forgets it."""

    UNKNOWN_EVENT = "unknown_event"
    BAD_PROPERTIES = "bad_properties"
    BAD_ID = "bad_id"
    BAD_TIME = "bad_time"
    BOT = "bot"


class Taken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event. `reason` is for whoever writes the client."""

    id: str
    outcome: Outcome
    code: Refusal | None = None
    reason: str = ""


class Tracking(msgspec.Struct, frozen=True):
    """What became of each event, in their order. An event that is accepted is never lost, and counts once."""

    events: list[Taken]

    @classmethod
    def example(cls) -> Tracking:
        return cls([Taken(new_id(), Outcome.ACCEPTED)])


class EventType(msgspec.Struct, frozen=True):
    """A kind of event that clients may send; `properties` is the JSON schema of its properties."""

    name: str
    description: str
    properties: dict[str, Any]


class EventTypes(msgspec.Struct, frozen=True):
    """All of them, by name."""

    items: list[EventType]

    @classmethod
    def example(cls) -> EventTypes:
        return cls([EventType("analytics.page_viewed", "A page of analytics was opened.", {"type": "object"})])
