"""Streams, subjects and headers of events, timers and dead letters."""

from __future__ import annotations

from typing import Final

EVENTS: Final = "EVENTS"
TIMERS: Final = "TIMERS"
DEAD: Final = "DEAD_LETTERS"
INTAKE: Final = "INTAKE"

MESSAGE_ID: Final = "Nats-Msg-Id"
SCHEDULE: Final = "Nats-Schedule"
SCHEDULE_TARGET: Final = "Nats-Schedule-Target"
# The id that handlers see. It stays the same when an event is sent again under another message id.
ID: Final = "Ksmp-Id"
AT: Final = "Ksmp-At"

CHANNEL: Final = "ksmp_outbox"


def event(name: str) -> str:
    """The subject of one event type: `events.<module>.<WhatHappened>`."""
    return f"events.{name}"


def event_of(subject: str) -> str:
    """The event type of a subject; empty for one that is no event's."""
    return subject.removeprefix("events.") if subject.startswith("events.") else ""


def intake(name: str) -> str:
    """The subject of what is put into one intake."""
    return f"intake.{name}"


def requeued(listener: str) -> str:
    """The subject that only this listener receives."""
    return f"requeued.{listener}"


def scheduled(destination: str) -> str:
    """The subject of one timer, `<name>.<key>`. A new message replaces the last one; a purge cancels the timer."""
    return f"timers.at.{destination}"


def due(name: str) -> str:
    """The subject on which the timers of one name fire."""
    return f"timers.due.{name}"


def dead(name: str) -> str:
    return f"dead.{name}"


def durable(name: str) -> str:
    """The durable consumer of a listener, timer, follower or intake; its name may have no dot."""
    return name.replace(".", "-")
