"""Timers under the control of a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.app import Gateway
from gateway.contract import Delivery
from gateway.events.consumer import Consumer
from gateway.events.message_handler import MessageHandler
from gateway.events.schedules import wake

SET: Final = "SELECT id, key, at, payload FROM timer WHERE name = $1 ORDER BY at, key"


@dataclass(frozen=True)
class SetTimer:
    """A timer that waits; `payload` is what its handler will get, as JSON gives it."""

    id: str
    key: str
    at: datetime
    payload: Any


async def set_timers(gateway: Gateway, name: str) -> list[SetTimer]:
    """See `Running.timers`."""
    rows = await gateway.database.fetch(SET, name)
    return [SetTimer(str(row["id"]), row["key"], row["at"], msgspec.json.decode(row["payload"])) for row in rows]


async def fire(gateway: Gateway, name: str, key: str) -> None:
    """See `Running.fire_timer`. NATS, which wakes the timer later, finds its row taken."""
    handler = _handler(gateway, name)
    waiting = await set_timers(gateway, name)
    for timer in waiting:
        if timer.key == key:
            delivery = Delivery(id=timer.id, at=timer.at, attempt=1)
            if await handler.run(wake(timer.id, timer.at), delivery):
                return
            raise AssertionError(f"the timer {name} of {key} fired by itself, or was set anew, at this moment")
    set_for = ", ".join(timer.key for timer in waiting[:10]) or "none"
    raise AssertionError(f"no timer {name} is set for {key}; set are: {set_for}")


def _handler(gateway: Gateway, name: str) -> MessageHandler:
    for consumer in gateway.event_runtime.consumers:
        if isinstance(consumer, Consumer) and consumer.handler.name == name and name in gateway.declarations.timers:
            return consumer.handler
    raise AssertionError(f"no module of this gateway declares a timer {name}")
