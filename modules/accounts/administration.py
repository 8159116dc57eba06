"""What admins do to users. Each act is an entry of the audit, and holds on every gateway when both have committed.

Row, entry and event first, what the kernel declares last, all in one transaction: there is no role that changed with
the old tokens still good, and no block that nobody can find.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from piccolo.columns.combination import Or, WhereRaw

from gateway import clock
from gateway.contract import Kernel, Remains
from gateway.errors import BadInput, Unavailable, not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal, Role
from modules.accounts import errors
from modules.accounts.events import RoleChanged, TokensRevoked, UserBlocked, UserDeleted, UserUnblocked
from modules.accounts.facade import record
from modules.accounts.messages import AuditRecord, Forget, UserRecord
from modules.accounts.tables import AuditEntry, User

Status = Literal["active", "blocked", "deleted"]

BY_NAME: Final = Sort("name", (User.name, User.id))
NEWEST: Final = Sort("newest", (AuditEntry.at, AuditEntry.id), descending=True)

# When a user's name is taken off what was archived late, by the user's id.
FORGET: Final = "accounts.forget"
# The next part of the archive that their name is taken off, by the user's id.
ANONYMISE: Final = "accounts.anonymise"
# Room for clocks that differ and for an archiver that is behind.
SLACK: Final = timedelta(hours=1)
# By then every node has heard that a user is out, and has written what it held on them.
SETTLED: Final = timedelta(minutes=1)

READ: Final = """
    SELECT id, name, role, avatar_url, time_zone, locale, phone, created_at, rev, blocked, seen_at, deleted_at
    FROM account_user WHERE id = {}
"""
GIVEN: Final = "SELECT role_given FROM account_user WHERE id = {}"
WRITE: Final = "UPDATE account_user SET role = {}, role_given = role_given OR {}, blocked = {}, rev = {} WHERE id = {}"
# Whoever takes an admin away holds it, so that the last two do not go at once.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('account_user'), hashtext('admins'))"
OTHERS: Final = """
    SELECT FROM account_user WHERE role = 'admin' AND id <> {} AND NOT blocked AND deleted_at IS NULL LIMIT 1
"""


class Administration:
    """Privileged acts; each raises Unavailable, and BadInput `not_found` where it needs the user."""

    def __init__(self, kernel: Kernel, retention: timedelta) -> None:
        """`retention` is how long the log keeps what users wrote."""
        self._kernel = kernel
        self._retention = retention

    async def read(self, user: str) -> UserRecord:
        with self._kernel.database.guard():
            return await self._found(READ, user)

    async def users(self, span: Span, q: str | None, role: Role | None, status: Status | None) -> Page[UserRecord]:
        """Users by name; `q` is a part of it, or a whole id or phone number."""
        deleted = User.deleted_at.is_not_null() if status == "deleted" else User.deleted_at.is_null()
        query = User.select().where(deleted)
        if status in ("active", "blocked"):
            query = query.where(User.blocked == (status == "blocked"))
        if role is not None:
            query = query.where(User.role == role.value)
        if q is not None:
            q = q.replace("\0", " ")
            part = q.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
            query = query.where(Or(WhereRaw("name ILIKE {}", f"%{part}%"), Or(User.id == q, User.phone == q)))
        with self._kernel.database.guard():
            return await page_of(query, BY_NAME, span, UserRecord)

    async def audit(
        self, span: Span, *, actor: str | None, act: str | None, subject: str | None, since: datetime | None
    ) -> Page[AuditRecord]:
        """What was done, the newest first."""
        query = AuditEntry.select().output(load_json=True)
        for column, value in ((AuditEntry.actor, actor), (AuditEntry.act, act), (AuditEntry.subject, subject)):
            if value is not None:
                query = query.where(column == value.replace("\0", " "))
        if since is not None:
            query = query.where(AuditEntry.at >= since)
        with self._kernel.database.guard():
            return await page_of(query, NEWEST, span, AuditRecord)

    async def revoke(self, actor: Principal, user: str) -> None:
        """Refuse the user's tokens; somebody whom the platform has not met yet may have some too."""
        async with self._kernel.database.transaction():
            await record(self._kernel.database, actor, "accounts.revoke", user)
            await self._kernel.events.publish(TokensRevoked(user))
            await self._kernel.access.revoke(user)

    async def give_role(self, actor: Principal, user: str, role: Role) -> UserRecord:
        """From now on the user has this role, whatever tokens say; those of before are refused unless it was given.

        Raises Conflict `accounts.last_admin`.
        """
        async with self._kernel.database.transaction():
            found = await self._locked(user)
            given = (await User.raw(GIVEN, user))[0]["role_given"]
            if role is not Role.ADMIN:
                await self._keep_an_admin(found)
            changed = await self._write(msgspec.structs.replace(found, role=role), given=True)
            await record(
                self._kernel.database, actor, "accounts.role", user, {"from": found.role.value, "to": role.value}
            )
            await self._kernel.events.publish(RoleChanged(user, role))
            if role is not found.role or not given:
                # Until a role was given the row has that of the token met last; others may be in use that say another.
                await self._kernel.access.revoke(user)
        return changed

    async def block(self, actor: Principal, user: str, reason: str) -> UserRecord:
        """Keep the user out; done again it changes nothing. Raises Conflict `accounts.last_admin`."""
        async with self._kernel.database.transaction():
            found = await self._locked(user)
            if found.blocked:
                return found
            await self._keep_an_admin(found)
            changed = await self._write(msgspec.structs.replace(found, blocked=True))
            await record(self._kernel.database, actor, "accounts.block", user, {"reason": reason})
            await self._kernel.events.publish(UserBlocked(user))
            await self._kernel.access.ban(user)
        return changed

    async def unblock(self, actor: Principal, user: str) -> UserRecord:
        """Let the user in again; done again it changes nothing."""
        async with self._kernel.database.transaction():
            found = await self._locked(user)
            if not found.blocked:
                return found
            changed = await self._write(msgspec.structs.replace(found, blocked=False))
            await record(self._kernel.database, actor, "accounts.unblock", user)
            await self._kernel.events.publish(UserUnblocked(user))
            await self._kernel.access.unban(user)
        return changed

    async def delete(self, actor: Principal, user: str) -> None:
        """Have every module forget the user, and keep whoever still holds their tokens out for good.

        Raises Conflict `accounts.last_admin`.
        """
        async with self._kernel.database.transaction():
            await self._keep_an_admin(await self._locked(user))
            await self.forget(user)
            await self._kernel.schedules.at(FORGET, user, clock.now() + SETTLED, Forget(user, last=False))
            await record(self._kernel.database, actor, "accounts.delete", user)
            await self._kernel.events.publish(UserDeleted(user))
            await self._kernel.access.ban(user)
        with contextlib.suppress(Unavailable):
            # They are out all the same; nobody remembers who they were either.
            await self._kernel.identities.renew(user)

    async def forget(self, user: str) -> None:
        """Have every module forget the user, in this transaction; the archive follows, a bounded part at a time."""
        await self._go_on(await self._kernel.identities.forget(user))

    async def forget_again(self, forget: Forget) -> None:
        """What was on its way at the deletion, and at last what the log held for so long."""
        await self.forget(forget.user_id)
        if not forget.last:
            again = clock.now() + self._retention + SLACK
            await self._kernel.schedules.at(FORGET, forget.user_id, again, Forget(forget.user_id))

    async def anonymise(self, remains: Remains) -> None:
        """Take the user's name off the next part of the archive, in this transaction."""
        left = await self._kernel.identities.anonymise(remains)
        if left is not None:
            await self._go_on(left)

    async def _go_on(self, remains: Remains) -> None:
        await self._kernel.schedules.at(ANONYMISE, remains.user, clock.now(), remains)

    async def _found(self, statement: str, user: str) -> UserRecord:
        for row in await User.raw(statement, user):
            return msgspec.convert(row, UserRecord)
        raise _none()

    async def _locked(self, user: str) -> UserRecord:
        """The user's row, locked; one who was deleted is none."""
        found = await self._found(READ + " FOR UPDATE", user)
        if found.deleted_at is not None:
            raise _none()
        return found

    async def _keep_an_admin(self, losing: UserRecord) -> None:
        """Raises Conflict when nobody else can administer the platform."""
        if losing.role is not Role.ADMIN or losing.blocked:
            return
        await User.raw(LOCK)
        if not await User.raw(OTHERS, losing.id):
            raise errors.last_admin()

    async def _write(self, changed: UserRecord, *, given: bool = False) -> UserRecord:
        changed = msgspec.structs.replace(changed, rev=changed.rev + 1)
        await User.raw(WRITE, changed.role.value, given, changed.blocked, changed.rev, changed.id)
        return changed


def _none() -> BadInput:
    return not_found("there is no such user")
