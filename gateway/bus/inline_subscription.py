"""A subscription without a queue and a task of its own: what nats-py reads is handled at once.

A node holds one for each of its rooms, tens of thousands of them, and a room's message is on its way to the
members before the next one is read. nats-py gives every subscription a queue and a task, which cost several
KiB and a turn of the event loop a message; what it asks of a subscription it made itself is answered here instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

if TYPE_CHECKING:
    from nats.aio.client import Client

log = structlog.get_logger(__name__)


class InlineSubscription(Subscription):
    """A subscription to one subject. `handler` must not wait, and what it raises is logged."""

    # What nats-py keeps for each of its own; none of it is used without a queue.
    _queue = ""
    _max_msgs = 0
    _pending_bytes_limit = 0
    _cb = _future = _jsi = None
    _pending_next_msgs_calls = None  # type: ignore[assignment]
    _wait_for_msgs_task = _message_iterator = None
    _received = 0
    _pending_size = 0
    _closed = False

    def __init__(self, client: Client, id: int, subject: str, handler: Callable[[Msg], None]) -> None:
        self._conn = client
        self._id = id
        self._subject = subject
        self._handler = handler

    @property
    def _pending_queue(self) -> InlineSubscription:  # type: ignore[override]
        return self

    def put_nowait(self, message: Msg) -> None:
        """What nats-py does with a message that it has read."""
        try:
            self._handler(message)
        except Exception:
            log.exception("bus.handler_failed", subject=message.subject)


async def follow(client: Client, subject: str, handler: Callable[[Msg], None]) -> InlineSubscription:
    """Subscribe; the server has the subscription before anything that is sent later on this connection."""
    # The same steps as Client.subscribe takes.
    client._sid += 1
    subscription = InlineSubscription(client, client._sid, subject, handler)
    subscriptions: dict[int, Any] = client._subs
    subscriptions[subscription._id] = subscription
    await client._send_subscribe(subscription)
    return subscription
