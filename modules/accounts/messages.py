"""What clients send and get of accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway import clock
from gateway.contract import Said
from gateway.principal import Principal, Role
from gateway.settings import Settings
from gateway.text import NAME, TEXT, Texts
from modules.accounts.settings import AccountsSettings

UserStatus = Literal["active", "blocked", "deleted"]

UserId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=100), NAME]
# No spaces, quotes or angle brackets: it is put into pages. A picture that was uploaded here has an address of ours.
AvatarUrl = Annotated[
    str,
    Meta(pattern=r"^(https://[!#-&(-;=?-\[\]_a-z~]+|/api/v1/files/avatars/[A-Za-z0-9_-]{1,64})$", max_length=2000),
]
TimeZone = Annotated[str, Meta(max_length=64, description="A name of the IANA time zone database")]
Locale = Annotated[str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", description="A BCP 47 tag")]
Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164, with its country code")]
Reason = Annotated[str, Meta(max_length=500), TEXT]

AT = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class Me(msgspec.Struct, frozen=True):
    """The signed-in user, and when their token ends."""

    id: str
    name: str
    role: Role
    expires_at: datetime

    @classmethod
    def of(cls, principal: Principal) -> Me:
        return cls(principal.id, principal.name, principal.role, clock.from_ms(principal.expires_at))

    @classmethod
    def example(cls) -> Me:
        return cls("c1f7…", "Sanjay", Role.STUDENT, AT)


class SignInConfig(msgspec.Struct, frozen=True):
    """What a front end gives to its Cognito (or other OpenID Connect) library; nothing in it is secret."""

    issuer: str
    client_id: str
    region: str
    pool: str
    domain: str

    @classmethod
    def of(cls, core: Settings, settings: AccountsSettings) -> SignInConfig:
        client_id = settings.client_id or core.client_ids[0]
        return cls(core.issuer, client_id, settings.region, settings.pool, settings.domain)

    @classmethod
    def example(cls) -> SignInConfig:
        issuer = "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_Ab12Cd34"
        return cls(issuer, "4f2k…", "ap-south-1", "ap-south-1_Ab12Cd34", "sign-in.example.org")


class Revoke(msgspec.Struct, frozen=True):
    """The user whose tokens are refused: all that were issued until now."""

    user_id: UserId

    @classmethod
    def example(cls) -> Revoke:
        return cls("c1f7-23")


class Profile(msgspec.Struct, frozen=True):
    """A user, as they see themselves. The e-mail address is that of their sign-in, and is changed there."""

    id: str
    name: str
    role: Role
    avatar_url: str | None
    time_zone: str | None
    locale: str | None
    phone: str | None
    email: str | None
    email_verified: bool
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> Profile:
        avatar = "https://images.example.org/sanjay.png"
        return cls(
            id="c1f7-23",
            name="Sanjay",
            role=Role.STUDENT,
            avatar_url=avatar,
            time_zone="Asia/Kolkata",
            locale="hi-IN",
            phone="+919876543210",
            email="sanjay@example.org",
            email_verified=True,
            created_at=AT,
            rev=3,
        )


class ProfileChange(msgspec.Struct, frozen=True):
    """What is left out stays, and null takes a value away. A name that is chosen here is kept, whatever tokens say."""

    name: Name | UnsetType = UNSET
    avatar_url: AvatarUrl | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET

    @classmethod
    def example(cls) -> ProfileChange:
        return cls(name="Sanjay K", time_zone="Asia/Kolkata")


class UserRecord(Profile, frozen=True):
    """What admins see of a user. A deleted user has nothing but an id and times."""

    blocked: bool
    seen_at: datetime
    deleted_at: datetime | None

    @classmethod
    def example(cls) -> UserRecord:
        return cls(**msgspec.structs.asdict(Profile.example()), blocked=False, seen_at=AT, deleted_at=None)


class RoleChange(msgspec.Struct, frozen=True):
    role: Role

    @classmethod
    def example(cls) -> RoleChange:
        return cls(Role.MENTOR)


class Block(Texts, frozen=True):
    """`reason` is for the audit; the user does not see it."""

    reason: Reason = ""

    @classmethod
    def example(cls) -> Block:
        return cls("Sells answers")


class PersonalData(msgspec.Struct, frozen=True):
    """All that the platform holds on a user: by module, and what they wrote in archived rooms.

    The messages come in slices, the oldest first. Only the first slice has the modules. `next` is the `after` of the
    next slice, and null in the last one.
    """

    user_id: str
    made_at: datetime
    modules: dict[str, dict[str, Any]]
    messages: list[Said]
    next: int | None

    @classmethod
    def example(cls) -> PersonalData:
        modules = {"accounts": {"profile": msgspec.to_builtins(Profile.example())}}
        return cls("c1f7-23", AT, modules, [Said("session:42", 991, AT, "chat.message", {"text": "hello"})], None)


class AuditRecord(msgspec.Struct, frozen=True):
    """Who (`actor`) did what (`act`) to whom or what (`subject`), in which request."""

    id: UUID
    at: datetime
    actor: str
    act: str
    subject: str
    details: dict[str, Any]
    request_id: str

    @classmethod
    def example(cls) -> AuditRecord:
        id = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        details = {"from": "student", "to": "mentor"}
        return cls(id, AT, "meera", "accounts.role", "c1f7-23", details, "01a2130d-48bf-7174-b972-596a06fb2346")


class ForgetDue(msgspec.Struct, frozen=True):
    """What the timer carries: which deleted user is forgotten once more, and whether for the last time."""

    user_id: str
    last: bool = True
