"""EventFollower: gets events of many types in batches, for a module that derives rows of its own from all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One event of a batch. `id` is the same at every delivery; `at` is when it was published."""

    id: str
    at: datetime
    event: msgspec.Struct


@dataclass(frozen=True, kw_only=True)
class EventFollower:
    """Contributed by a module that gets the events of many types, and of modules that it does not know.

    `events` gives the types, once all modules are built; other modules may have contributed them. `name` is
    `<module>.<what>`, and the follower's place is kept under it. It gets what is published from its first start on (and
    in the minute before). A type that is added later counts from then on.

    `handle` gets up to `batch` events at once, each batch on one node, in no promised order. A batch waits up to `wait`
    seconds for more events after its first one. `handle` runs outside of a transaction, and a batch is acknowledged
    when it returns. Events come again after a crash, also in other batches. So what it does must come to the same when
    it is done again, such as rows with a key made of `id`.

    When it raises, the batch is halved until the events are found that it cannot handle. Those are tried again later,
    at growing intervals; after `KSMP_EVENT_ATTEMPTS` tries each becomes a dead letter (`ksmp events dead`). While
    PostgreSQL or NATS are away no try is counted. How far it has come says `kernel.events.handled_until`.
    """

    name: str
    events: Callable[[], Collection[type[msgspec.Struct]]]
    handle: Callable[[Sequence[Followed]], Awaitable[None]]
    batch: int = 500
    wait: float = 0.2
