"""The rules about users."""

from __future__ import annotations

import msgspec

from gateway.module import Database
from gateway.principal import Principal
from modules.accounts.tables import User

# One round trip for a user seen for the first time and for one who comes back.
MEET = """
    INSERT INTO account_user (id, name, role) VALUES ({}, {}, {})
    ON CONFLICT (id) DO UPDATE SET
        name = CASE WHEN {} THEN account_user.name ELSE EXCLUDED.name END,
        role = EXCLUDED.role, seen_at = now()
    RETURNING name
"""


class Accounts:
    """Knows users by what their tokens said of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def meet(self, principal: Principal) -> Principal:
        """Create or update the user a token is about; the principal with the name we know.

        An access token carries no name: the one of an earlier id token is used. Raises Unavailable.
        """
        nameless = principal.name == principal.id
        with self._database.guard():
            rows = await User.raw(MEET, principal.id, principal.name, principal.role.value, nameless)
        return msgspec.structs.replace(principal, name=rows[0]["name"])
