"""The module contract: what a plug-in declares, and what the kernel lends it. Types and Protocols only.

A module is a package that registers one `Module` under the entry-point group `ksmp.modules`. It imports `gateway`, and
of its siblings only their `events.py` and `facade.py`. It lists those siblings in `requires`, or in `hears` when
their events are all it needs and it can do without.
"""

from gateway.contract.access import Access
from gateway.contract.archive import ArchiveFollower, ArchiveSlice, RoomArchive
from gateway.contract.command import CommandSpec, Rate, command
from gateway.contract.context import Context
from gateway.contract.database import Database
from gateway.contract.delivery import Delivery
from gateway.contract.event_follower import EventFollower, Followed
from gateway.contract.events import EventObserver, Events, event_name
from gateway.contract.filters import Filters
from gateway.contract.identities import Export, Identities, Remains, Said
from gateway.contract.intake import Intake, Intakes, Received
from gateway.contract.kernel import Kernel
from gateway.contract.listener import Listener, listener
from gateway.contract.module import Module
from gateway.contract.push_type import PushType
from gateway.contract.room_kind import Granted, RoomKind
from gateway.contract.rooms import MessageCount, Rooms
from gateway.contract.schedules import Schedules
from gateway.contract.service_keys import ServiceKeys
from gateway.contract.snapshot_part import SnapshotPart, snapshot_part
from gateway.contract.timer import Timer, timer
from gateway.protocol.stored_push import Erased, StoredPush, Sweep

__all__ = [
    "Access",
    "ArchiveFollower",
    "ArchiveSlice",
    "CommandSpec",
    "Context",
    "Database",
    "Delivery",
    "Erased",
    "EventFollower",
    "EventObserver",
    "Events",
    "Export",
    "Filters",
    "Followed",
    "Granted",
    "Identities",
    "Intake",
    "Intakes",
    "Kernel",
    "Listener",
    "MessageCount",
    "Module",
    "Rate",
    "Received",
    "Remains",
    "RoomArchive",
    "RoomKind",
    "Rooms",
    "Said",
    "Schedules",
    "ServiceKeys",
    "SnapshotPart",
    "StoredPush",
    "Sweep",
    "Timer",
    "PushType",
    "command",
    "event_name",
    "listener",
    "snapshot_part",
    "timer",
]
