"""What admins do to users: roles, blocks and revocations.

Each act is one transaction: it writes the row, the audit's entry and the event, and last it tells the kernel. So no
role changes while old tokens are still good, and each block has an entry. An act holds on every gateway within a
second of its commit.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.contract import Kernel
from gateway.http.listing import Page, Span
from gateway.principal import Principal, Role
from modules.accounts.admins import check_not_the_last
from modules.accounts.errors import found
from modules.accounts.events import RoleChanged, TokensRevoked, UserBlocked, UserUnblocked
from modules.accounts.facade import SignOut, record, sign_out_everywhere
from modules.accounts.messages import AuditRecord, UserRecord, UserStatus
from modules.accounts.repository import AuditRepository, UserRepository


class KernelSignOut(SignOut):
    """Tells the kernel, and whoever keeps something of a user who is signed in, such as devices."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def everywhere(self, user_id: str) -> None:
        await self._kernel.events.publish(TokensRevoked(user_id))
        await self._kernel.access.revoke(user_id)


class Administration:
    """Privileged acts. Each raises Unavailable, and BadInput `not_found` where it needs the user."""

    def __init__(self, kernel: Kernel, users: UserRepository, audit: AuditRepository) -> None:
        self._kernel = kernel
        self._users = users
        self._audit = audit

    async def read(self, user: str) -> UserRecord:
        return found(await self._users.record(user))

    async def users(self, span: Span, q: str | None, role: Role | None, status: UserStatus | None) -> Page[UserRecord]:
        """Users by name; `q` is a part of it, or a whole id or phone number."""
        return await self._users.page(span, q, role, status)

    async def audit(
        self, span: Span, *, actor: str | None, act: str | None, subject: str | None, since: datetime | None
    ) -> Page[AuditRecord]:
        """What was done, the newest first."""
        return await self._audit.page(span, actor=actor, act=act, subject=subject, since=since)

    async def revoke(self, actor: Principal, user: str) -> None:
        """Refuse the user's tokens. The platform need not have met the user: tokens may exist all the same."""
        async with self._kernel.database.transaction():
            await record(self._kernel.database, actor, "accounts.revoke", user)
            await sign_out_everywhere(self._kernel, user)

    async def give_role(self, actor: Principal, user: str, role: Role) -> UserRecord:
        """From now on the user has this role, whatever tokens say.

        Tokens of before are refused, unless the same role was given before. Raises Conflict `accounts.last_admin`.
        """
        async with self._kernel.database.transaction():
            before = await lock_user(self._users, user)
            given = await self._users.role_given(user)
            if role is not Role.ADMIN:
                await check_not_the_last(self._users, before)
            changed = await self._write(msgspec.structs.replace(before, role=role), role_given=True)
            roles = {"from": before.role.value, "to": role.value}
            await record(self._kernel.database, actor, "accounts.role", user, roles)
            await self._kernel.events.publish(RoleChanged(user, role))
            if role is not before.role or not given:
                # Until a role is given the row has the role of the token met last. Other tokens may say another one.
                await self._kernel.access.revoke(user)
        return changed

    async def block(self, actor: Principal, user: str, reason: str) -> UserRecord:
        """Keep the user out; done again it changes nothing. Raises Conflict `accounts.last_admin`."""
        async with self._kernel.database.transaction():
            before = await lock_user(self._users, user)
            if before.blocked:
                return before
            await check_not_the_last(self._users, before)
            changed = await self._write(msgspec.structs.replace(before, blocked=True))
            await record(self._kernel.database, actor, "accounts.block", user, {"reason": reason})
            await self._kernel.events.publish(UserBlocked(user))
            await self._kernel.access.ban(user)
        return changed

    async def unblock(self, actor: Principal, user: str) -> UserRecord:
        """Let the user in again; done again it changes nothing."""
        async with self._kernel.database.transaction():
            before = await lock_user(self._users, user)
            if not before.blocked:
                return before
            changed = await self._write(msgspec.structs.replace(before, blocked=False))
            await record(self._kernel.database, actor, "accounts.unblock", user)
            await self._kernel.events.publish(UserUnblocked(user))
            await self._kernel.access.unban(user)
        return changed

    async def _write(self, changed: UserRecord, *, role_given: bool = False) -> UserRecord:
        changed = msgspec.structs.replace(changed, rev=changed.rev + 1)
        await self._users.write_record(changed, role_given=role_given)
        return changed


async def lock_user(users: UserRepository, user: str) -> UserRecord:
    """The user, whose row stays locked until the transaction ends; raises BadInput `not_found`, also when deleted."""
    locked = found(await users.lock_record(user))
    return found(locked if locked.deleted_at is None else None)
