"""Somebody can always administer the platform."""

from __future__ import annotations

from gateway.principal import Role
from modules.accounts.errors import last_admin
from modules.accounts.messages import UserRecord
from modules.accounts.repository import UserRepository


async def check_not_the_last(users: UserRepository, losing: UserRecord) -> None:
    """Call it in the transaction that takes the user's rights away. Raises Conflict `accounts.last_admin`.

    Transactions that take an admin away wait for each other here, so the last two admins do not go at once.
    """
    if losing.role is not Role.ADMIN or losing.blocked:
        return
    await users.lock_admins()
    if not await users.has_other_admin(losing.id):
        raise last_admin()
