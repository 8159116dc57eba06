"""Module: one domain of the platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from gateway.contract.command import Command
from gateway.contract.kernel import Kernel
from gateway.contract.listener import Listener
from gateway.contract.room_kind import RoomKind
from gateway.contract.snapshot_part import SnapshotPart
from gateway.contract.timer import Timer
from gateway.principal import Principal

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler
    from piccolo.table import Table


class Module:
    """One domain of the platform. Override only what the module needs.

    `routes` are mounted under /api/v1; each states its policy (gateway/auth/policy.py, gateway/http/README.md).
    `emits` are the facts it publishes: frozen structs of its `events.py`, each with the tag it has on the wire,
    `class SessionEnded(msgspec.Struct, frozen=True, tag="live.SessionEnded")`. Fields may be added with a default;
    whoever listened before goes on.
    `hears` are modules whose events it listens to where they are on. Unlike those in `requires` they may be off, or
    require this one: its listeners to them then have nothing to hear.
    """

    name: ClassVar[str]
    requires: ClassVar[Sequence[str]] = ()
    hears: ClassVar[Sequence[str]] = ()
    settings_type: ClassVar[type[Any] | None] = None

    rooms: Sequence[RoomKind] = ()
    commands: Sequence[Command] = ()
    snapshots: Sequence[SnapshotPart] = ()
    emits: Sequence[type[msgspec.Struct]] = ()
    listens: Sequence[Listener] = ()
    timers: Sequence[Timer] = ()
    routes: Sequence[ControllerRouterHandler] = ()
    tables: Sequence[type[Table]] = ()
    migrations: Path | None = None

    async def identify(self, principal: Principal) -> Principal:
        """What the platform knows of a user beyond the token; called at each connect and refresh.

        When it raises Unavailable the gateway goes on with the token's own claims, and asks again until it can say; a
        socket whose role is another one then is closed with 4501. Refused keeps the user out.
        """
        return principal

    async def export(self, user: str) -> Mapping[str, Any]:
        """What this module holds on a user, as JSON can show it; for the user themselves. Empty: nothing."""
        return {}

    async def forget(self, user: str) -> Collection[str]:
        """A user is deleted: remove what is about them, and their name and the like from what must stay.

        Called inside the transaction that deletes them, and once more when the log has let go of what they wrote: done
        again it changes nothing. The id may stay; nothing says any more who it was. Returns the archived rooms in
        whose pushes others may name the user, as `{"id": …, "name": …}`; those where they wrote are looked at anyway.
        """
        return ()

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        """Create what `ksmp dev` shows, once; `people` has a mentor, a student and an admin.

        Returns names for `dev.json`, such as the id of the demo session.
        """
        return {}

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        """Around the life of a gateway process; the kernel's services work inside."""
        yield
