"""A subscription without a queue and without a task: each message is handled as nats-py reads it.

A node holds one for each of its rooms, which may be tens of thousands. nats-py gives every subscription a queue and a
task. They cost several KiB for each subscription, and a turn of the event loop for each message. This class has the
attributes that nats-py expects of a subscription, and calls the handler directly.
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

    # nats-py reads these attributes of every subscription. Without a queue their values never change.
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
        """Handle one message; nats-py calls this for each message that it has read."""
        try:
            self._handler(message)
        except Exception:
            log.exception("bus.handler_failed", subject=message.subject)


async def follow(client: Client, subject: str, handler: Callable[[Msg], None]) -> InlineSubscription:
    """Subscribe; the server has the subscription before anything that is sent later on this connection."""
    # These are the steps of Client.subscribe.
    client._sid += 1
    subscription = InlineSubscription(client, client._sid, subject, handler)
    subscriptions: dict[int, Any] = client._subs
    subscriptions[subscription._id] = subscription
    await client._send_subscribe(subscription)
    return subscription
