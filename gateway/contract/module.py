"""Module: one domain of the platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from gateway.contract.kernel import Kernel
from gateway.contract.push_type import PushType
from gateway.contract.room_kind import RoomKind
from gateway.principal import Principal

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler
    from piccolo.table import Table


class Module:
    """One domain of the platform. Override only what the module needs.

    The class says what the platform must know before the module is built: its name, siblings, settings, events, tables
    and migrations. `__init__` then builds the services with the kernel they need, and lists them in `features`; it does
    no network IO. The registry reads what the features, and the module itself, declare with `@command`, `@listener`,
    `@timer` and `@snapshot_part`, and the pushes that they list in `pushes`.

    `requires` are modules that must be on; they are built first. `hears` are modules whose events it listens to where
    they are on: unlike those in `requires` they may be off, or require this one.
    `emits` are the facts it publishes: frozen structs of its `events.py`, each with the tag it has on the wire,
    `class SessionEnded(msgspec.Struct, frozen=True, tag="live.SessionEnded")`. Fields may be added with a default;
    whoever listened before goes on.
    `codes` are the error codes of its own, each with the statuses that REST answers it with; the API's description
    shows them.
    `contributions` are for siblings that ask for their kind: a module that is extended by others has a class in its
    `facade.py`, others list objects of it here or as `contributions` of a feature, and it reads
    `kernel.contributed(ThatClass)`. So a sibling is extended by modules that it does not know.
    `routes` are mounted under /api/v1; each states its policy (gateway/auth/policy.py, gateway/http/README.md).
    `gateway.http.services` hands them the services they name.
    `pages` are what people open in a browser: routes like those, but mounted at the root, and not in the API's
    description.
    """

    name: ClassVar[str]
    requires: ClassVar[Sequence[str]] = ()
    hears: ClassVar[Sequence[str]] = ()
    settings_type: ClassVar[type[Any] | None] = None
    emits: ClassVar[Sequence[type[msgspec.Struct]]] = ()
    tables: ClassVar[Sequence[type[Table]]] = ()
    migrations: ClassVar[Path | None] = None
    codes: ClassVar[Mapping[str, Sequence[int]]] = {}

    features: Sequence[object] = ()
    rooms: Sequence[RoomKind] = ()
    pushes: Sequence[PushType[Any]] = ()
    contributions: Sequence[object] = ()
    routes: Sequence[ControllerRouterHandler] = ()
    pages: Sequence[ControllerRouterHandler] = ()

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    @classmethod
    def examine(cls, settings: Any, *, production: bool) -> str:
        """What `ksmp doctor` says of the module's settings, of `settings_type`; empty is nothing. It does no IO.

        Raises SettingsError for what is set by half: then no gateway starts.
        """
        return ""

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
    async def lifespan(self) -> AsyncIterator[None]:
        """Around the life of a gateway process; the kernel's services work inside."""
        yield
