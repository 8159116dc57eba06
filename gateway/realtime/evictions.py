"""Takes users out of rooms, on every node at once, and keeps them out."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

import msgspec
import structlog
from cachetools import FIFOCache

from gateway import clock
from gateway.db.cluster_state import Fact
from gateway.errors import Restricted
from gateway.protocol.messages import Left, Push
from gateway.protocol.names import room_name, user_id
from gateway.realtime.cluster_state import LIFTED, ClusterState, moment
from gateway.realtime.hub import Hub

log = structlog.get_logger(__name__)

# Evictions whose time is remembered; the least recent is forgotten.
KEPT: Final = 100_000


class Eviction(msgspec.Struct, frozen=True):
    """A user was taken out of a room. Without `out`, the user was let in again."""

    room: str
    user: str
    code: str
    rejoin: bool
    out: bool = True


class Evictions:
    """The users who are kept out of a room; implements `gateway.realtime.cluster_state.StateTopic`."""

    kind = "eviction"

    def __init__(self, state: ClusterState, hub: Hub) -> None:
        self._state = state
        self._hub = hub
        # The end of each eviction, in milliseconds since the Unix epoch; None when it has no end.
        self._out: dict[tuple[str, str], int | None] = {}
        self._at: FIFOCache[tuple[str, str], float] = FIFOCache(KEPT)
        state.add(self)

    async def evict(self, room: str, user: str, code: str, *, rejoin: bool, until: datetime | None) -> None:
        # With `rejoin` the fact is over at once: the user is taken out and may come back.
        await self._declare(Eviction(room, user, code, rejoin), LIFTED if rejoin else moment(until))

    async def readmit(self, room: str, user: str) -> None:
        await self._declare(Eviction(room, user, "", rejoin=True, out=False), LIFTED)

    def require_admitted(self, room: str, user: str) -> None:
        """Raises Restricted while the user is kept out of the room."""
        until = self._out.get((room, user), LIFTED)
        now = clock.now_ms()
        if until is None or until > now:
            retry_after = None if until is None else round((until - now) / 1000, 3)
            raise Restricted("you were taken out of this room", retry_after=retry_after)

    def last(self, room: str, user: str) -> float:
        """When this node learned of the user's last eviction, on its monotonic clock. Older grants are not valid."""
        return self._at.get((room, user), 0.0)

    def learn(self, fact: Fact, *, holds: bool) -> None:
        eviction = msgspec.json.decode(fact.data, type=Eviction)
        place = (eviction.room, eviction.user)
        self._out.pop(place, None)
        if not eviction.out:
            return
        if holds and not eviction.rejoin:
            self._out[place] = fact.until
        self._at[place] = time.monotonic()
        self._take_out(eviction)

    def end(self, fact: Fact) -> None:
        eviction = msgspec.json.decode(fact.data, type=Eviction)
        self._out.pop((eviction.room, eviction.user), None)

    async def _declare(self, eviction: Eviction, until: int | None) -> None:
        key = f"{room_name(eviction.room)} {user_id(eviction.user)}"
        await self._state.declare(self.kind, key, eviction, until)

    def _take_out(self, eviction: Eviction) -> None:
        room = self._hub.room(eviction.room)
        if room is None:
            return
        now = time.monotonic()
        for membership in room.fanout.of(eviction.user):
            member = membership.member
            room.leave(member, now)
            member.send(Push(push=Left.push, room=room.text, data=Left(eviction.code, eviction.rejoin)))
            log.info("room.evicted", room=room.text, user=eviction.user, connection=member.id, code=eviction.code)
        if room.presence is not None:
            room.presence.expel(eviction.user, now)
