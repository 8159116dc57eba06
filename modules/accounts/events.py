"""What accounts tell other modules."""

from __future__ import annotations

import msgspec

from gateway.principal import Role


class RoleChanged(msgspec.Struct, frozen=True, tag="accounts.RoleChanged"):
    user_id: str
    role: Role


class TokensRevoked(msgspec.Struct, frozen=True, tag="accounts.TokensRevoked"):
    """All tokens that the user had are refused."""

    user_id: str


class UserBlocked(msgspec.Struct, frozen=True, tag="accounts.UserBlocked"):
    user_id: str


class UserUnblocked(msgspec.Struct, frozen=True, tag="accounts.UserUnblocked"):
    user_id: str


class UserDeleted(msgspec.Struct, frozen=True, tag="accounts.UserDeleted"):
    """Every module has forgotten the user (`Module.forget`) in the transaction that tells this."""

    user_id: str
