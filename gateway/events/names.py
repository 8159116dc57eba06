"""Streams, subjects and headers of events, timers and dead letters."""

from __future__ import annotations

from typing import Final

EVENTS: Final = "EVENTS"
TIMERS: Final = "TIMERS"
DEAD: Final = "DEAD_LETTERS"

MESSAGE_ID: Final = "Nats-Msg-Id"
SCHEDULE: Final = "Nats-Schedule"
SCHEDULE_TARGET: Final = "Nats-Schedule-Target"
# What the handlers know an event by: the same when it is sent again, under whatever message id.
ID: Final = "Ksmp-Id"
AT: Final = "Ksmp-At"

CHANNEL: Final = "ksmp_outbox"


def event(name: str) -> str:
    """Where the events of one type are published: `events.<module>.<WhatHappened>`."""
    return f"events.{name}"


def requeued(listener: str) -> str:
    """Where one listener alone hears."""
    return f"requeued.{listener}"


def scheduled(destination: str) -> str:
    """The subject of one timer, `<name>.<key>`: another message on it replaces the one before, a purge cancels it."""
    return f"timers.at.{destination}"


def due(name: str) -> str:
    """Where the timers of one name fire."""
    return f"timers.due.{name}"


def dead(name: str) -> str:
    return f"dead.{name}"


def durable(name: str) -> str:
    """The durable consumer of a listener or a timer; a dot may not be in it."""
    return name.replace(".", "-")
