"""Written: the words of a notification for one reader, and who writes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modules.notify.due import Due


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A notification in the language and the zone of its reader. `link` is a path of the app."""

    title: str
    body: str
    link: str
    language: str = "en"
    time_zone: str = "UTC"


class Writer(ABC):
    """Writes a batch: it loads the languages and zones of all readers at once, outside of a transaction."""

    @abstractmethod
    async def write(self, batch: Sequence[Due]) -> Mapping[str, Written]:
        """The words of each delivery, by its id. One whose texts cannot be written is left out. Raises Unavailable."""
