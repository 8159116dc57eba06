"""Makes viewers speakers or co-hosts, and viewers again.

A member whose role changes gets `left` with `live.role` and `rejoin: true` from the gateway. The client joins again and
has the new role.
"""

from __future__ import annotations

from typing import Literal

from gateway.contract import Kernel
from modules.live.access.removal import ROLE_CHANGED
from modules.live.access.stage_tokens import withdraw_stage_tokens, withdraw_viewer_token
from modules.live.room.errors import no_consent
from modules.live.room.promotions.repository import PromotionRepository
from modules.live.rooms import session_room, staff_room


class Promotions:
    """Call it in a transaction: the role and the eviction that announces it commit together."""

    def __init__(self, kernel: Kernel, *, records: bool) -> None:
        """`records`: sessions can be recorded on this platform. Where they cannot, consent is not asked for."""
        self._kernel = kernel
        self._records = records
        self._promotions = PromotionRepository(kernel.database)

    async def role(self, session: str, user: str) -> str:
        """The role that a host gave the user: `viewer`, `speaker` or `cohost`."""
        return await self._promotions.role(session, user) or "viewer"

    async def make(self, session: str, user: str, role: Literal["viewer", "speaker", "cohost"]) -> bool:
        """Give the user this role; False when they have it already.

        Raises Conflict `live.no_consent` when the session is recorded and the user has not agreed to it.
        """
        before = await self.role(session, user)
        if before == role:
            return False
        if role == "viewer":
            await self.forget(session, user)
        else:
            if await self._promotions.lacks_consent(session, user) and self._records:
                raise no_consent()
            await self._promotions.promote(session, user, role)
            await withdraw_viewer_token(self._kernel.database, session, user)
        await self._kernel.rooms.evict(session_room(session), user, ROLE_CHANGED, rejoin=True)
        if before == "cohost":
            await self._kernel.rooms.evict(staff_room(session), user, ROLE_CHANGED, rejoin=True)
        return True

    async def forget(self, session: str, user: str) -> None:
        """Take the role, and the place on the stage, of a user whom the caller evicts."""
        await self._promotions.demote(session, user)
        await withdraw_stage_tokens(self._kernel.database, session, user)
