"""A listener to events."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.contract.delivery import Handler


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Hands the events of one type to `handler(event, delivery)`, on one node at a time.

    `event` is a struct that this module or one it `requires` or `hears` lists in `emits`. `name` is `<module>.<what>`;
    it is where the listener's place is kept, so a renamed listener is a new one. A listener gets what is published from
    its first start on (and in the minute before), in no promised order.

    The handler runs inside a database transaction which also remembers that the event was handled: what it writes,
    publishes and schedules happens once, together with that, or not at all. What it does elsewhere may happen more
    than once. When it raises, it is tried again later, at growing intervals; after `KSMP_EVENT_ATTEMPTS` tries the
    event becomes a dead letter (`ksmp events dead`). While PostgreSQL or NATS are away no try is counted.

    One that calls a vendor, who may hang, is not `transactional`: it runs without a transaction and keeps nothing of
    the database while it waits, nor a place of those who do, and that the event was handled is written after it. So
    all that it does may happen more than once, and must come to the same.
    """

    event: type[msgspec.Struct]
    name: str
    handler: Handler
    transactional: bool = True
