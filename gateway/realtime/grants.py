"""Grants: the role that a room's owner gave a user. They are cached for the time when the database is away.

Each node keeps the grants of its own users. When the owner cannot answer and this node holds no grant, it asks the
other nodes over NATS. Only gateways are on the bus, so their answers are trusted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from cachetools import LRUCache
from nats.aio.msg import Msg

from gateway.bus.connection import NatsBus
from gateway.contract.room_kind import Granted, RoomKind
from gateway.errors import Unavailable, not_found
from gateway.principal import Principal
from gateway.protocol.names import RoomName
from gateway.realtime.evictions import Evictions

log = structlog.get_logger(__name__)

KEPT: Final = 100_000
ASKED: Final = "gateway.grants.asked"


class GrantKey(msgspec.Struct, frozen=True, array_like=True):
    """The key of a grant: the user, the user's role in the platform, the room, and the name that its owner was told."""

    user: str
    role: str
    room: str
    name: str


class HeldGrant(msgspec.Struct, frozen=True, array_like=True):
    """The answer of a node that holds the grant. `age` is in seconds, because the clocks of nodes differ."""

    role: str
    age: float
    seen_from: int = 0


@dataclass(frozen=True, slots=True)
class _Grant:
    role: str
    # When the owner gave it, on this node's monotonic clock; also for a grant from another node.
    at: float
    seen_from: int = 0

    @property
    def granted(self) -> Granted:
        return Granted(self.role, self.seen_from)


class Grants:
    """Asks the owner of a room's kind, and answers from memory for `fresh` seconds after that.

    While the owner cannot answer, an older grant is used: the one held here, or the first that another node sends
    within `wait` seconds. No grant is used for longer than `stale` seconds after the owner gave it, however many nodes
    it went through. An eviction ends all grants that the user had for the room. A refusal is never kept.
    """

    def __init__(
        self,
        kinds: Mapping[str, RoomKind],
        bus: NatsBus,
        evictions: Evictions,
        *,
        fresh: float,
        stale: float,
        wait: float,
    ) -> None:
        self._kinds = kinds
        self._evictions = evictions
        self._bus = bus
        self._fresh = fresh
        self._stale = stale
        self._wait = wait
        # No TTLCache: a grant has two ages, `fresh` and `stale`, and a TTLCache takes ten times as long for a lookup.
        self._granted: LRUCache[GrantKey, _Grant] = LRUCache(KEPT)

    async def start(self) -> None:
        """Answer the other nodes from now on."""
        await self._bus.subscribe(ASKED, self._on_question)

    async def role(self, principal: Principal, room: RoomName) -> str:
        """The user's role in the room; raises as `grant` does."""
        return (await self.grant(principal, room)).role

    async def grant(self, principal: Principal, room: RoomName) -> Granted:
        """The user's role in the room and what they see of it; raises Refused, BadInput `not_found` or Unavailable."""
        kind = self._kinds.get(room.kind)
        if kind is None:
            raise not_found(f"there are no rooms of kind {room.kind}")
        text = str(room)
        self._evictions.require_admitted(text, principal.id)
        if not kind.keeps_roles:
            return _granted(await kind.authorize(principal, room.id))
        key = GrantKey(principal.id, principal.role.value, text, principal.name)
        held = self._held(key, self._fresh)
        if held is not None:
            return held.granted
        # The age of a grant counts from the question, not from the answer.
        now = time.monotonic()
        try:
            granted = _granted(await kind.authorize(principal, room.id))
        except Unavailable:
            known = self._held(key, self._stale) or await self._ask(key)
            if known is None:
                raise
            log.info("grant.stale", room=str(room), age=round(time.monotonic() - known.at, 1))
            return known.granted
        except Exception:
            self._granted.pop(key, None)
            raise
        self._granted[key] = _Grant(granted.role, now, granted.seen_from)
        return granted

    def _held(self, key: GrantKey, age: float) -> _Grant | None:
        """The grant held here, when it is younger than `age` seconds and than the user's last eviction."""
        grant = self._granted.get(key)
        if grant is None or time.monotonic() - grant.at >= age:
            return None
        return grant if grant.at > self._evictions.last(key.room, key.user) else None

    async def _ask(self, key: GrantKey) -> _Grant | None:
        """The first grant that another node sends, which is kept here too; None when none comes in time.

        Nodes that hold none stay silent. This node gets the question too, and stays silent.
        """
        try:
            answer = await self._bus.request(ASKED, msgspec.json.encode(key), timeout=self._wait)
        except Unavailable:
            return None
        held = msgspec.json.decode(answer.data, type=HeldGrant)
        self._granted[key] = _Grant(held.role, time.monotonic() - held.age, held.seen_from)
        return self._held(key, self._stale)

    async def _on_question(self, message: Msg) -> None:
        grant = self._held(msgspec.json.decode(message.data, type=GrantKey), self._stale)
        if grant is not None:
            held = HeldGrant(grant.role, time.monotonic() - grant.at, grant.seen_from)
            with contextlib.suppress(Unavailable):
                await self._bus.publish(message.reply, msgspec.json.encode(held))


def _granted(answer: str | Granted) -> Granted:
    return answer if isinstance(answer, Granted) else Granted(answer)
