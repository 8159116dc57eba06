"""What accounts tells other modules."""

from __future__ import annotations

import msgspec

from gateway.principal import Role


class RoleChanged(msgspec.Struct, frozen=True, tag="accounts.RoleChanged"):
    """An admin gave the user another role on the platform."""

    user_id: str
    role: Role


class TokensRevoked(msgspec.Struct, frozen=True, tag="accounts.TokensRevoked"):
    """All tokens that were issued to the user before are refused."""

    user_id: str


class UserBlocked(msgspec.Struct, frozen=True, tag="accounts.UserBlocked"):
    """An admin keeps the user out of the platform."""

    user_id: str


class UserUnblocked(msgspec.Struct, frozen=True, tag="accounts.UserUnblocked"):
    """A user who was blocked may come back."""

    user_id: str


class UserDeleted(msgspec.Struct, frozen=True, tag="accounts.UserDeleted"):
    """The user is deleted. Every module has forgotten them (`Module.forget`) in the transaction of this event."""

    user_id: str
