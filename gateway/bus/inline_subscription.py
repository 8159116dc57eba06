"""A subscription without a queue and without a task: each message is handled as nats-py reads it.

A node holds one for each of its rooms, which may be tens of thousands. nats-py gives every subscription a queue and a
task. They cost several KiB for each subscription, and a turn of the event loop for each message. This class has the
attributes that nats-py expects of a subscription, and calls the handler directly. It outlives the connection: the bus
registers it again with the next one.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

log = structlog.get_logger(__name__)


class InlineSubscription(Subscription):
    """A subscription to one subject. `handler` must not wait, and what it raises is logged.

    `on_refused` is called when the server does not want to hold the subscription any more, as after a change of its
    configuration. Without it the bus tries again until the server accepts.
    """

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
    # The number of the subscription on the present connection.
    _id = 0

    def __init__(
        self, subject: str, handler: Callable[[Msg], None], on_refused: Callable[[], None] | None = None
    ) -> None:
        self._subject = subject
        self._handler = handler
        self.on_refused = on_refused

    @property
    def _pending_queue(self) -> InlineSubscription:  # type: ignore[override]
        return self

    def put_nowait(self, message: Msg) -> None:
        """Handle one message; nats-py calls this for each message that it has read."""
        try:
            self._handler(message)
        except Exception:
            log.exception("bus.handler_failed", subject=message.subject)
