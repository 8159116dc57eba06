"""The event of the screens of chat, for analytics."""

from __future__ import annotations

from bisect import bisect_left
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from modules.analytics.facade import ClientEventType, Tracked

# Upper bounds in milliseconds.
BOUNDS: Final = (25, 50, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000)


class LatencyFelt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of chat came back to the screen of its author after so many milliseconds; of a class, or elsewhere."""

    milliseconds: Annotated[int, Meta(ge=0, le=600_000)]
    session_id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")] | None = None


def felt(event: LatencyFelt) -> Tracked:
    """One in the bucket of a histogram, whose label is its upper bound."""
    place = bisect_left(BOUNDS, event.milliseconds)
    label = str(BOUNDS[place]) if place < len(BOUNDS) else "+Inf"
    return Tracked(session_id=event.session_id or "", label=label, value=1)


FACTS: Final = (ClientEventType(name="chat.latency_felt", properties=LatencyFelt, tracked=felt),)
