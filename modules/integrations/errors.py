"""What integrations refuse, besides the codes of the core.

integrations.too_many   409: there are as many of it as there may be
integrations.key_over   409: the key has expired or was revoked, and cannot be rotated
integrations.disabled   409: the endpoint is disabled, so nothing is sent to it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Conflict

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "integrations.too_many": (409,),
    "integrations.key_over": (409,),
    "integrations.disabled": (409,),
}


def too_many(what: str, most: int) -> Conflict:
    return Conflict(f"there are {most} {what}, and may not be more", code="integrations.too_many")


def key_over() -> Conflict:
    return Conflict("the key has expired or was revoked; make another one", code="integrations.key_over")


def disabled() -> Conflict:
    return Conflict("the endpoint is disabled; enable it first", code="integrations.disabled")
