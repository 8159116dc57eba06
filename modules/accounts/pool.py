"""The user pool follows the platform: what was committed here is done there, tried until it is.

A role is decided by the user's row, and holds before the pool hears of it; without a pool, as in `ksmp dev`, there is
nothing to tell.
"""

from __future__ import annotations

from typing import Final

from gateway.contract import Delivery
from gateway.principal import Role
from modules.accounts.cognito import Cognito
from modules.accounts.events import RoleChanged, TokensRevoked, UserDeleted
from modules.accounts.tables import User

ROLE: Final = "SELECT role FROM account_user WHERE id = {} AND deleted_at IS NULL"


class PoolKeeper:
    """The listeners of accounts; a failed try is another one later, and at last a dead letter.

    None is in a transaction: a pool that hangs keeps nothing else waiting.
    """

    def __init__(self) -> None:
        self.pool: Cognito | None = None

    async def role_changed(self, event: RoleChanged, delivery: Delivery) -> None:
        if self.pool is None:
            return
        # Events come in any order and side by side: each tells what is so now, until it still is so afterwards.
        told: Role | None = None
        while (role := await _role(event.user_id)) not in (None, told):
            await self.pool.put_in_role(event.user_id, role)
            told = role

    async def tokens_revoked(self, event: TokensRevoked, delivery: Delivery) -> None:
        if self.pool is not None:
            await self.pool.sign_out(event.user_id)

    async def user_deleted(self, event: UserDeleted, delivery: Delivery) -> None:
        if self.pool is not None:
            await self.pool.delete(event.user_id)


async def _role(user: str) -> Role | None:
    for row in await User.raw(ROLE, user):
        return Role(row["role"])
    return None
