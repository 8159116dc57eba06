"""What announcements refuse, besides the codes of the core.

announcements.not_scheduled   409: it was published or is over, and cannot be changed any more
announcements.over            409: it is over already, and cannot be withdrawn
announcements.too_many        409: its audience has as many as it may have
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Conflict

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "announcements.not_scheduled": (409,),
    "announcements.over": (409,),
    "announcements.too_many": (409,),
}


def not_scheduled(status: str) -> Conflict:
    return Conflict(
        f"it is {status} already; only what is scheduled can be changed", code="announcements.not_scheduled"
    )


def over() -> Conflict:
    return Conflict("it is over already", code="announcements.over")


def too_many(most: int) -> Conflict:
    message = f"this audience has {most} announcements that are not over, and may not have more; withdraw one"
    return Conflict(message, code="announcements.too_many")
