"""Identities: what all modules, and the kernel, know of a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec


class Said(msgspec.Struct, frozen=True):
    """An archived push that a user wrote."""

    room: str
    seq: int
    at: datetime
    push: str
    data: Any


class Export(msgspec.Struct, frozen=True):
    """What the platform holds on a user: what each module does, by its name, and what they wrote in archived rooms.

    The messages come in slices, oldest first: `next` is what the next one comes after, None when there is none.
    """

    modules: Mapping[str, Mapping[str, Any]]
    messages: Sequence[Said]
    next: int | None


class Remains(msgspec.Struct, frozen=True):
    """Where archived pushes may still name a user who was deleted.

    In their `writings` after `seq`, and then in the rooms; without `writings` in the rooms, of the first after `seq`.
    """

    user: str
    rooms: list[str]
    writings: bool = True
    seq: int = 0


class Identities(Protocol):
    """What all modules, and the kernel, know of a user."""

    async def renew(self, user: str) -> None:
        """Have the modules asked anew who the user is, on every node: at their next request, connect or refresh.

        Call it after the commit of what changed. It happens here at once and within a second everywhere; without it,
        after `KSMP_IDENTITY_FRESH`. Sockets keep the name they came with. Raises Unavailable.
        """

    async def export(self, user: str, after: int = 0) -> Export:
        """Ask every module for what it holds on the user; `after` a slice of messages for more of these alone.

        Raises Unavailable.
        """

    async def forget(self, user: str) -> Remains:
        """Have every module forget the user, in this transaction; what `anonymise` has to go through after it.

        The log lets its messages go after `KSMP_RETENTION`. What was not archived yet is reached by forgetting once
        more after that. Raises Unavailable.
        """

    async def anonymise(self, remains: Remains) -> Remains | None:
        """Take the user's name off some of what was archived, in this transaction; what is left, None at the end.

        One call looks at a bounded number of pushes. Raises Unavailable.
        """
