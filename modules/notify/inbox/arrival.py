"""Arrival: a notification that was just written, and who tells the app of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from modules.notify.facade import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A notification of one user. `rev` rises with each change of it. `data` is of the kind's struct."""

    id: str
    notice_id: str
    kind: Kind
    subject: str
    user_id: str
    data: msgspec.Struct
    created_at: datetime
    expires_at: datetime
    rev: int = 1


class Arrivals(ABC):
    """Tells the app what came into its list and what was taken out, a page of an audience at a time."""

    @abstractmethod
    async def listed(self, kind: Kind, user_ids: Collection[str]) -> Collection[str]:
        """Those of these users whose list shows this kind. Raises Unavailable."""

    @abstractmethod
    async def arrived(self, arrivals: Sequence[Arrival]) -> None:
        """Push them to their users, after they were committed.

        After the death of a worker the same page may be told again: the pushes of a notification have its id and rev.
        """

    @abstractmethod
    async def withdrawn(self, arrivals: Sequence[Arrival]) -> None:
        """They were taken out of the lists, and that was committed; this may come again too."""
