"""Access: who is kept out of the platform."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from gateway.principal import Principal


class Access(Protocol):
    """Bans and revocations: they keep users out of the platform, whatever a token says.

    Each call returns when it is recorded and holds here; within a second it does on every node: tokens are refused at
    connects, refreshes and requests, sockets close, event streams end. It survives restarts. Inside a transaction it is
    recorded when that commits, and only then. Raises BadInput for a bad user id, ValueError for a time without a zone,
    and Unavailable, after which it may have been recorded.
    """

    async def revoke(self, user: str, *, before: datetime | None = None) -> None:
        """Refuse the user's tokens that were issued up to `before`, by default now; their sockets close with 4501.

        A token's issue time is in whole seconds, so that one of the same second is refused too. The issuer is not
        told: whoever holds a refresh token gets new ones until it is revoked there as well.
        """

    async def revoke_token(self, principal: Principal) -> None:
        """Refuse one token, as at a sign-out: the principal's, with all others of that sign-in where they say so."""

    async def ban(self, user: str, *, until: datetime | None = None) -> None:
        """Keep a user out, with any token, until a time or until `unban`; their sockets close with 4504."""

    async def unban(self, user: str) -> None:
        """Let a banned user in again; one who is not banned is no error."""
