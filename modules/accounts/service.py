"""Users as they see themselves: how they are met, their profile, and the export of what is held on them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec

from gateway import clock, time_zones
from gateway.contract import Kernel
from gateway.errors import Banned, Unavailable, invalid
from gateway.http.etag import IfMatch
from gateway.principal import Author, Principal
from gateway.text import display_name
from modules.accounts.errors import found
from modules.accounts.messages import PersonalData, Profile, ProfileChange
from modules.accounts.repository import AuditRepository, UserRepository


class Accounts:
    """Knows users by what their tokens said of them, and by what they say themselves."""

    def __init__(self, kernel: Kernel, users: UserRepository, audit: AuditRepository) -> None:
        self._kernel = kernel
        self._users = users
        self._audit = audit

    async def meet(self, principal: Principal) -> Principal:
        """Create or update the user of a token; the principal with the name and role that the platform knows.

        An access token carries no name, so the name of an earlier id token is used. A name that the user chose and a
        role that an admin gave count for more than the token's. Raises Banned for a user who was deleted, and
        Unavailable.
        """
        known = await self._users.meet(principal, nameless=principal.name == principal.id)
        if known is None:
            raise Banned("this account was deleted")
        name, role = known
        return msgspec.structs.replace(principal, name=name, role=role)

    async def log_out(self, principal: Principal) -> None:
        """Refuse the principal's token, and the others of the same sign-in; raises Unavailable."""
        await self._kernel.access.revoke_token(principal)

    async def read(self, user: str) -> Profile:
        """Raises BadInput `not_found` and Unavailable."""
        return found(await self._users.profile(user))

    async def change(self, principal: Principal, change: ProfileChange, if_match: IfMatch) -> Profile:
        """Raises BadInput `not_found`, `precondition_failed` or `invalid`, what filters raise, and Unavailable."""
        user = principal.id
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        if "name" in values:
            # Under this name the user is seen in rooms.
            values["name"] = await self._kernel.filters.review(
                _cleaned(values["name"]), Author.of(principal), field="name"
            )
        if any(isinstance(value, str) and "\n" in value for value in values.values()):
            # The `$` of a pattern lets one pass at the end.
            raise invalid("a line feed is in none of these")
        time_zone = values.get("time_zone")
        if time_zone is not None and time_zone not in await asyncio.to_thread(time_zones.names):
            raise invalid("there is no such time zone", field="time_zone")
        async with self._kernel.database.transaction():
            profile = found(await self._users.lock_profile(user))
            if_match.check(profile.rev)
            avatar = values.get("avatar_url")
            if avatar is not None and avatar.startswith("/") and avatar != profile.avatar_url:
                raise invalid("a picture that was uploaded is chosen by PUT /files/avatar", field="avatar_url")
            profile = msgspec.structs.replace(profile, **values, rev=profile.rev + 1)
            await self._users.write_profile(profile, name_chosen="name" in values)
        with contextlib.suppress(Unavailable):
            # The change is written. Without this the nodes learn of it a little later.
            await self._kernel.identities.renew(user)
        return profile

    async def personal_data(self, user: str, after: int) -> PersonalData:
        """What the platform holds on a user, with a slice of what they wrote; raises Unavailable."""
        export = await self._kernel.identities.export(user, after)
        modules = {name: dict(held) for name, held in export.modules.items()}
        return PersonalData(user, clock.now(), modules, list(export.messages), export.next)

    async def export(self, user: str) -> dict[str, Any]:
        """What this module holds on a user; raises Unavailable."""
        profile = await self._users.profile_for_export(user)
        return {} if profile is None else {"profile": profile, "acts": await self._audit.acts_on(user)}


def _cleaned(chosen: str) -> str:
    name = display_name(chosen)
    if not name:
        raise invalid("the name is blank, or shows nothing", field="name")
    return name
