"""Principals: the users that make requests, each with a role, and the services that do."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

# What is shown in place of the name of a user who was deleted.
FORGOTTEN: Final = "Deleted user"


class Role(enum.StrEnum):
    """A user's role on the platform; a room may give the same user another one."""

    STUDENT = "student"
    MENTOR = "mentor"
    ADMIN = "admin"

    @property
    def may_teach(self) -> bool:
        """Whether a user of this role has the rights of a mentor, where they are named as one."""
        return self is not Role.STUDENT


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A user as a verified token names them.

    `id` is the token's `sub` and matches `[A-Za-z0-9_-]{1,64}`; `issued_at` and `expires_at` are when the token
    begins and ends, in milliseconds since the Unix epoch. `token` names the token, and with it all others of the same
    sign-in where the issuer says so. `email` is empty where the token names no address; `email_verified` says that its
    issuer knows it to be the user's. Without `identified` nobody could be asked what the platform knows of the user:
    name and role are the token's, until somebody can.
    """

    id: str
    name: str
    role: Role
    expires_at: int
    issued_at: int = 0
    token: str = ""
    email: str = ""
    email_verified: bool = False
    identified: bool = True


class ServicePrincipal(msgspec.Struct, frozen=True, kw_only=True):
    """A program of somebody else's, such as a school's information system, as its API key names it.

    It is no user: it has no role, joins no rooms, and calls only routes whose policy is `service(scope)`. `key` names
    the key that was shown, `scopes` is what that key may do, and `rooms` the rooms in which it may do so, as
    `<kind>:<id>` or `<kind>:*`. It may make `rate` requests a second and `burst` at once.
    """

    id: str
    name: str
    key: str
    scopes: frozenset[str]
    rooms: frozenset[str] = frozenset()
    rate: float
    burst: int

    @property
    def actor(self) -> str:
        """What records call it. No user's id has a colon."""
        return f"service:{self.id}"


class Author(msgspec.Struct, frozen=True):
    """The `from` of a push: what every member of a room may know of its author."""

    id: str
    name: str
    role: str

    @classmethod
    def of(cls, principal: Principal) -> Author:
        return cls(principal.id, principal.name, principal.role.value)
