"""The kernel of one module: the services that its gateway lends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from gateway.contract.filters import Filters
from gateway.db.archive_follower import FollowedArchive
from gateway.db.database import PostgresDatabase
from gateway.declarations import Declarations
from gateway.events.intakes import ModuleIntakes
from gateway.events.publisher import ModuleEvents
from gateway.events.schedules import ModuleSchedules
from gateway.realtime.identities import ClusterIdentities
from gateway.realtime.revocations import Revocations
from gateway.realtime.rooms import ClusterRooms
from gateway.settings import Settings

T = TypeVar("T")


class ModuleKernel:
    """Implements `gateway.contract.Kernel` for one module."""

    def __init__(
        self,
        rooms: ClusterRooms,
        access: Revocations,
        identities: ClusterIdentities,
        events: ModuleEvents,
        intakes: ModuleIntakes,
        schedules: ModuleSchedules,
        filters: Filters,
        database: PostgresDatabase,
        archive: FollowedArchive,
        declarations: Declarations,
        settings: Any,
        kernel: Settings,
    ) -> None:
        self.rooms = rooms
        self.access = access
        self.identities = identities
        self.events = events
        self.intakes = intakes
        self.schedules = schedules
        self.filters = filters
        self.database = database
        self.archive = archive
        self._declarations = declarations
        self._settings = settings
        self._kernel = kernel

    def settings(self, kind: type[Any]) -> Any:
        if kind is Settings:
            return self._kernel
        if not isinstance(self._settings, kind):
            raise TypeError(f"the module's settings are not of {kind.__name__}; name it in settings_type")
        return self._settings

    def contributed(self, kind: type[T]) -> Sequence[T]:
        return self._declarations.contributed(kind)
