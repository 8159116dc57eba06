"""The rules about users: how they are met, and what they say of themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.auth.claims import clean
from gateway.contract import Kernel
from gateway.errors import Banned, Unavailable, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.principal import FORGOTTEN, Principal, Role
from modules.accounts.messages import PersonalData, Profile, ProfileChange
from modules.accounts.tables import AuditEntry, User

# One round trip for a user seen for the first time and for one who comes back; no row for one who was deleted.
MEET: Final = """
    INSERT INTO account_user AS known (id, name, role) VALUES ({}, {}, {})
    ON CONFLICT (id) DO UPDATE SET
        name = CASE WHEN {} OR known.name_chosen THEN known.name ELSE EXCLUDED.name END,
        role = CASE WHEN known.role_given THEN known.role ELSE EXCLUDED.role END,
        rev = known.rev + CASE
            WHEN NOT ({} OR known.name_chosen) AND known.name <> EXCLUDED.name THEN 1
            WHEN NOT known.role_given AND known.role <> EXCLUDED.role THEN 1
            ELSE 0
        END,
        seen_at = now()
    WHERE known.deleted_at IS NULL
    RETURNING name, role
"""
READ: Final = """
    SELECT id, name, role, avatar_url, time_zone, locale, phone, created_at, rev
    FROM account_user WHERE id = {} AND deleted_at IS NULL
"""
FORGET: Final = """
    UPDATE account_user SET
        name = {}, name_chosen = true, role = 'student', role_given = true,
        avatar_url = NULL, time_zone = NULL, locale = NULL, phone = NULL, deleted_at = now(), rev = rev + 1
    WHERE id = {} AND deleted_at IS NULL
"""
# What admins did to the user, without who, and why: a reason is for the audit alone.
DONE: Final = "SELECT at, act FROM account_audit WHERE subject = {} ORDER BY at, id"


class Accounts:
    """Knows users by what their tokens said of them, and by what they say themselves."""

    def __init__(self, kernel: Kernel, time_zones: Collection[str]) -> None:
        self._kernel = kernel
        self._time_zones = time_zones

    async def meet(self, principal: Principal) -> Principal:
        """Create or update the user a token is about; the principal with the name and role that we know.

        An access token carries no name: the one of an earlier id token is used. A name that was chosen and a role that
        was given here count for more than the token's. Raises Banned for one who was deleted, and Unavailable.
        """
        nameless = principal.name == principal.id
        with self._kernel.database.guard():
            rows = await User.raw(MEET, principal.id, principal.name, principal.role.value, nameless, nameless)
        if not rows:
            raise Banned("this account was deleted")
        return msgspec.structs.replace(principal, name=rows[0]["name"], role=Role(rows[0]["role"]))

    async def log_out(self, principal: Principal) -> None:
        """Refuse the principal's token, and what else came of the same sign-in; raises Unavailable."""
        await self._kernel.access.revoke_token(principal)

    async def read(self, user: str) -> Profile:
        """Raises BadInput `not_found` and Unavailable."""
        with self._kernel.database.guard():
            return await self._found(READ, user)

    async def change(self, user: str, change: ProfileChange, if_match: IfMatch) -> Profile:
        """Raises BadInput `not_found`, `precondition_failed` or `invalid`, and Unavailable."""
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        if isinstance(change.name, str):
            values |= {"name": _name(change.name), "name_chosen": True}
        if any(isinstance(value, str) and "\n" in value for value in values.values()):
            # The `$` of a pattern lets one pass at the end.
            raise invalid("a line feed is in none of these")
        if values.get("time_zone") is not None and change.time_zone not in self._time_zones:
            raise invalid("there is no such time zone", field="time_zone")
        async with self._kernel.database.transaction():
            profile = await self._found(READ + " FOR UPDATE", user)
            if_match.check(profile.rev)
            written: dict[Any, Any] = {**values, "rev": profile.rev + 1}
            await User.update(written).where(User.id == user)
            profile = await self._found(READ, user)
        with contextlib.suppress(Unavailable):
            # It is written all the same, and nothing is remembered for long.
            await self._kernel.identities.renew(user)
        return profile

    async def personal_data(self, user: str, after: int) -> PersonalData:
        """What the platform holds on a user, with a slice of what they wrote; raises Unavailable."""
        with self._kernel.database.guard():
            export = await self._kernel.identities.export(user, after)
        modules = {name: dict(found) for name, found in export.modules.items()}
        return PersonalData(user, clock.now(), modules, list(export.messages), export.next)

    async def export(self, user: str) -> dict[str, Any]:
        """What this module holds on a user."""
        rows = await User.raw(READ.replace("created_at", "created_at, seen_at, blocked"), user)
        return {"profile": rows[0], "acts": await AuditEntry.raw(DONE, user)} if rows else {}

    async def forget(self, user: str) -> None:
        """Leave nothing of a user but that there was one; again, it changes nothing."""
        await User.raw(FORGET, FORGOTTEN, user)

    async def _found(self, statement: str, user: str) -> Profile:
        for row in await User.raw(statement, user):
            return msgspec.convert(row, Profile)
        raise not_found("there is no such user")


def _name(chosen: str) -> str:
    name = clean(chosen)
    if not name:
        raise invalid("the name is blank", field="name")
    return name
