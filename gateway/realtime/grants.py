"""Who may be in which room, as the rooms' owners said; kept for when their database is away."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import structlog

from gateway.errors import Unavailable, not_found
from gateway.module import RoomKind
from gateway.principal import Principal
from gateway.protocol.names import RoomName

log = structlog.get_logger(__name__)

KEPT: Final = 100_000


class Grants:
    """Asks the owner of a room's kind, and answers from memory while the answer is fresh.

    While the owner cannot answer, an older grant is used. A refusal is never kept.
    """

    def __init__(self, kinds: Mapping[str, RoomKind], *, fresh: float, stale: float) -> None:
        self._kinds = kinds
        self._fresh = fresh
        self._stale = stale
        self._granted: OrderedDict[tuple[str, str, str], tuple[str, float]] = OrderedDict()

    async def role(self, principal: Principal, room: RoomName) -> str:
        """The user's role in the room; raises Refused, BadInput `not_found` or Unavailable."""
        kind = self._kinds.get(room.kind)
        if kind is None:
            raise not_found(f"there are no rooms of kind {room.kind}")
        key = (principal.id, principal.role.value, str(room))
        now = time.monotonic()
        held = self._granted.get(key)
        if held is not None and now - held[1] < self._fresh:
            return held[0]
        try:
            role = await kind.authorize(principal, room.id)
        except Unavailable:
            if held is not None and now - held[1] < self._stale:
                log.info("grant.stale", room=str(room), age=round(now - held[1], 1))
                return held[0]
            raise
        except Exception:
            self._granted.pop(key, None)
            raise
        self._granted[key] = (role, now)
        self._granted.move_to_end(key)
        while len(self._granted) > KEPT:
            self._granted.popitem(last=False)
        return role
