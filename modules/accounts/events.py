"""What accounts tell other modules."""

from __future__ import annotations

import msgspec

from gateway.principal import Role


class RoleChanged(msgspec.Struct, frozen=True, tag="accounts.RoleChanged"):
    """An admin gave the user another role on the platform."""

    user_id: str
    role: Role


class TokensRevoked(msgspec.Struct, frozen=True, tag="accounts.TokensRevoked"):
    """All tokens that the user had are refused."""

    user_id: str


class UserBlocked(msgspec.Struct, frozen=True, tag="accounts.UserBlocked"):
    """An admin keeps the user out of the platform."""

    user_id: str


class UserUnblocked(msgspec.Struct, frozen=True, tag="accounts.UserUnblocked"):
    """A user who was blocked may come back."""

    user_id: str


class UserDeleted(msgspec.Struct, frozen=True, tag="accounts.UserDeleted"):
    """Every module has forgotten the user (`Module.forget`) in the transaction that tells this."""

    user_id: str
