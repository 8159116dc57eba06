"""Waiting until listeners have handled what was published."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Final

from nats.js.errors import NotFoundError

from gateway.app import Gateway
from gateway.events import names
from gateway.events.durable_consumer import DurableConsumer

UNSENT: Final = "SELECT count(*) AS unsent FROM outbox WHERE sent_at IS NULL AND kind = 'event'"


async def handled(gateway: Gateway, listeners: Collection[str], timeout: float) -> None:
    """See `Running.events_handled`."""
    declared = gateway.declarations
    unknown = set(listeners) - {*declared.listeners, *declared.followers, *declared.intakes}
    if unknown:
        raise AssertionError(f"no module of this gateway declares a listener {', '.join(sorted(unknown))}")
    wanted = set(listeners) or set(declared.listeners)
    consumers = [consumer for consumer in gateway.event_runtime.consumers if consumer.source.name in wanted]
    deadline = time.monotonic() + timeout
    while True:
        behind = await _behind(gateway, consumers)
        if not behind:
            return
        if time.monotonic() > deadline:
            failed = next((consumer.failure for consumer in consumers if consumer.failure is not None), None)
            raise AssertionError(f"after {timeout} s there is still to be handled: {', '.join(behind)}") from failed
        await asyncio.sleep(0.02)


async def _behind(gateway: Gateway, consumers: Collection[DurableConsumer]) -> list[str]:
    """Deliveries that are not handled yet, as text; empty when nothing was published meanwhile."""
    before = await _published(gateway)
    behind = await _unsent(gateway)
    for consumer in consumers:
        try:
            waiting = await consumer.waiting()
        except NotFoundError:
            behind.append(f"{consumer.source.name} starts")
        else:
            behind += [f"{waiting} of {consumer.source.name}"] if waiting else []
    if behind:
        return behind
    # A listener may have published another event before it was done.
    behind = await _unsent(gateway)
    return behind if await _published(gateway) == before else [*behind, "an event that was just published"]


async def _unsent(gateway: Gateway) -> list[str]:
    unsent = (await gateway.database.fetch(UNSENT))[0]["unsent"]
    return [f"{unsent} in the outbox"] if unsent else []


async def _published(gateway: Gateway) -> int:
    return (await gateway.bus.jetstream.stream_info(names.EVENTS)).state.last_seq
