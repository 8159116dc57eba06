"""What accounts refuse, besides the codes of the core.

accounts.last_admin   409: nobody would be left to administer the platform
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from gateway.errors import Conflict, not_found

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "accounts.last_admin": (409,),
}

T = TypeVar("T")


def last_admin() -> Conflict:
    return Conflict("this is the last admin; make somebody else one first", code="accounts.last_admin")


def found(user: T | None) -> T:
    """The user that a repository gave; raises BadInput `not_found` when there is none."""
    if user is None:
        raise not_found("there is no such user")
    return user
