"""A kind of timer, and its handler."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.contract.delivery import Handler


@dataclass(frozen=True, kw_only=True)
class Timer:
    """Hands what `kernel.schedules.at(name, …)` scheduled to `handler(payload, delivery)` when it is due.

    `name` is `<module>.<what>`. The promises are a listener's: inside a transaction, once, on one node, tried again
    when it raises. A timer that was cancelled or rescheduled before its handler committed does not happen.
    """

    name: str
    payload: type[msgspec.Struct]
    handler: Handler
