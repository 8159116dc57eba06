"""The rules about users."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from gateway.module import Database
from gateway.principal import Principal
from modules.accounts.tables import User

# A user who comes back within this time is not written again.
SEEN_GRAIN = timedelta(minutes=5)


class Accounts:
    """Knows users by what their tokens said of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def meet(self, principal: Principal) -> Principal:
        """Create or update the user a token is about; the principal with the name we know.

        An access token carries no name: the one of an earlier id token is used. Raises Unavailable.
        """
        now = datetime.now(UTC)
        nameless = principal.name == principal.id
        with self._database.guard():
            row = await User.select().where(User.id == principal.id).first()
            if row is None:
                await User.insert(
                    User(id=principal.id, name=principal.name, role=principal.role.value, created_at=now, seen_at=now)
                ).on_conflict(target=User.id, action="DO NOTHING")
                return principal
            name = row["name"] if nameless else principal.name
            changed = row["name"] != name or row["role"] != principal.role.value
            if changed or now - row["seen_at"] > SEEN_GRAIN:
                await User.update({User.name: name, User.role: principal.role.value, User.seen_at: now}).where(
                    User.id == principal.id
                )
        return msgspec.structs.replace(principal, name=name)
