"""Kernel: what a running gateway lends a module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from gateway.contract.access import Access
from gateway.contract.archive import RoomArchive
from gateway.contract.database import Database
from gateway.contract.events import Events
from gateway.contract.filters import Filters
from gateway.contract.identities import Identities
from gateway.contract.intake import Intakes
from gateway.contract.rooms import Rooms
from gateway.contract.schedules import Schedules

T = TypeVar("T")


class Kernel(Protocol):
    """The services that a running gateway lends a module."""

    @property
    def rooms(self) -> Rooms: ...

    @property
    def access(self) -> Access: ...

    @property
    def identities(self) -> Identities: ...

    @property
    def events(self) -> Events: ...

    @property
    def intakes(self) -> Intakes: ...

    @property
    def schedules(self) -> Schedules: ...

    @property
    def filters(self) -> Filters: ...

    @property
    def database(self) -> Database: ...

    @property
    def archive(self) -> RoomArchive: ...

    def settings(self, kind: type[Any]) -> Any:
        """This module's own settings, of the class it named in `settings_type`; or the kernel's, of `Settings`."""

    def contributed(self, kind: type[T]) -> Sequence[T]:
        """What the modules of this gateway contributed of this kind (`Module.contributions`), in the modules' order.

        Complete once all modules are built: ask in handlers and in `lifespan`. Raises RuntimeError before that.
        """
