"""What the routes of services and keys take and answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway import clock
from gateway.text import LINE, Texts
from modules.integrations.services.scopes import ROOMS, Scope

Name = Annotated[str, Meta(min_length=1, max_length=100), LINE]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=50)]
RoomPattern = Annotated[str, Meta(pattern=ROOMS)]
Rooms = Annotated[list[RoomPattern], Meta(max_length=100, description="`session:42`, or `session:*` for all")]
Moment = Annotated[datetime, Meta(tz=True)]

SERVICE = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
KEY = "7d2k4m9x1q8w5c3z"
AT = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class NewService(Texts, frozen=True):
    """A program that is to use the platform."""

    name: Name

    @classmethod
    def example(cls) -> NewService:
        return cls("School information system")


class ServiceChange(Texts, frozen=True):
    """What is left out stays. A service that is disabled is refused with all its keys.

    What waits for its endpoints is sent when it is enabled again; nothing new is kept for them.
    """

    name: Name | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET

    @classmethod
    def example(cls) -> ServiceChange:
        return cls("School system")


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    disabled: bool
    created_by: str
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> ServiceView:
        return cls(
            id=SERVICE, name="School information system", disabled=False, created_by="meera", created_at=AT, rev=1
        )


class NewKey(msgspec.Struct, frozen=True):
    """What the key may do. Scopes of rooms need `rooms`. Without `expires_at` it lives as long as one may."""

    scopes: Scopes
    rooms: Rooms = []
    expires_at: Moment | None = None

    @classmethod
    def example(cls) -> NewKey:
        return cls([Scope.PUBLISH], ["session:*"], clock.example_day())


class Rotation(msgspec.Struct, frozen=True):
    """For how many seconds the old key is good beside the new one; 0 ends it at once."""

    overlap: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400

    @classmethod
    def example(cls) -> Rotation:
        return cls(3600)


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its secret. `last_used_at` is to the minute. `replaces` names the key it was rotated from."""

    id: str
    service_id: UUID
    scopes: list[Scope]
    rooms: list[str]
    replaces: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def example(cls) -> KeyView:
        return cls(
            id=KEY,
            service_id=SERVICE,
            scopes=[Scope.PUBLISH],
            rooms=["session:*"],
            replaces=None,
            created_by="meera",
            created_at=AT,
            expires_at=datetime(2027, 1, 31, 18, 30, tzinfo=UTC),
            revoked_at=None,
            last_used_at=AT,
        )


class ShownKey(msgspec.Struct, frozen=True):
    """A new key. `secret` is the whole key as `Authorization: Bearer` takes it. It is shown here and never again."""

    key: KeyView
    secret: str

    @classmethod
    def example(cls) -> ShownKey:
        return cls(KeyView.example(), f"ksmp_{KEY}_…")
