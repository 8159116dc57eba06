"""One try to hand an event or a timer to its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One try to hand an event or a timer to its handler.

    `id` is the same in every try: what a handler does outside of the database can be told by it to be a repeat. `at` is
    when the event was published or the timer was due; `attempt` counts from 1.
    """

    id: str
    at: datetime
    attempt: int


Handler = Callable[[Any, Delivery], Awaitable[None]]
