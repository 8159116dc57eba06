"""Wording: who writes the list of the app in the words of its reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from modules.notify.facade import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Unworded:
    """A notification of one user. `data` is of the kind's struct, one object for all users of a notice."""

    kind: Kind
    user_id: str
    data: msgspec.Struct


@dataclass(frozen=True, kw_only=True, slots=True)
class ListWords:
    """`link` is a path of the app."""

    title: str
    body: str
    link: str


class Wording(ABC):
    """Loads the languages and zones of all readers of a batch at once."""

    @abstractmethod
    async def write(self, batch: Sequence[Unworded]) -> Sequence[ListWords | None]:
        """The words of each, in order; None for those that cannot be written. Raises Unavailable."""
