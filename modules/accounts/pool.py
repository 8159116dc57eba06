"""The user pool follows the platform: what was committed here is done there, and tried until it is done.

The user's row decides the role, and holds before the pool hears of it. Without a pool, as in `ksmp dev`, there is
nothing to tell.
"""

from __future__ import annotations

from typing import Protocol

from gateway.contract import Delivery, listener
from gateway.principal import Role
from modules.accounts.events import RoleChanged, TokensRevoked, UserDeleted
from modules.accounts.facade import Address
from modules.accounts.repository import UserRepository


class UserPool(Protocol):
    """Where users sign in. An act that is repeated changes nothing; a user whom the pool does not have is no error."""

    async def open(self) -> None:
        """Connect, before the first call."""

    async def put_in_role(self, user: str, role: Role) -> None:
        """Have new tokens of the user say this role."""

    async def address(self, user: str) -> Address | None:
        """The user's e-mail address; None when the pool has none."""

    async def sign_out(self, user: str) -> None:
        """Refuse the user's refresh tokens."""

    async def delete(self, user: str) -> None:
        """Remove the user, with all that the pool knows of them."""

    async def close(self) -> None:
        """Close its connections."""


class NoUserPool:
    """Implements `UserPool` where there is none."""

    async def open(self) -> None:
        pass

    async def put_in_role(self, user: str, role: Role) -> None:
        pass

    async def address(self, user: str) -> Address | None:
        return None

    async def sign_out(self, user: str) -> None:
        pass

    async def delete(self, user: str) -> None:
        pass

    async def close(self) -> None:
        pass


class UserPoolSync:
    """Tells the pool. What fails is tried again, and at last becomes a dead letter.

    No listener runs in a transaction, so a pool that hangs keeps no other handler waiting.
    """

    def __init__(self, pool: UserPool, users: UserRepository) -> None:
        self._pool = pool
        self._users = users

    @listener(RoleChanged, "accounts.pool_role", transactional=False)
    async def role_changed(self, event: RoleChanged, delivery: Delivery) -> None:
        # Events come in any order and side by side, so each tells the role of now, until it did not change meanwhile.
        told: Role | None = None
        while (role := await self._users.role(event.user_id)) not in (None, told):
            await self._pool.put_in_role(event.user_id, role)
            told = role

    @listener(TokensRevoked, "accounts.pool_sign_out", transactional=False)
    async def tokens_revoked(self, event: TokensRevoked, delivery: Delivery) -> None:
        await self._pool.sign_out(event.user_id)

    @listener(UserDeleted, "accounts.pool_delete", transactional=False)
    async def user_deleted(self, event: UserDeleted, delivery: Delivery) -> None:
        await self._pool.delete(event.user_id)
