"""Joining a room: check the grant, read the replay, and make the connection a member in one step without a wait."""

from __future__ import annotations

import time

from gateway import clock
from gateway.bus.log import RoomLog
from gateway.errors import Code, Limited, Refused, invalid
from gateway.protocol.messages import JoinResult, Person, Position
from gateway.protocol.names import RoomName
from gateway.realtime.evictions import Evictions
from gateway.realtime.frame_encoder import replay
from gateway.realtime.grants import Grants
from gateway.realtime.hub import Hub
from gateway.realtime.member import Member, Membership
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.room import Room
from gateway.realtime.tail import seen, size
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics


class Deferred(Exception):
    """The replay does not fit into the rest of the reply."""


class Joiner:
    """Makes connections members of rooms, and ends memberships."""

    def __init__(
        self,
        hub: Hub,
        room_log: RoomLog,
        grants: Grants,
        evictions: Evictions,
        restrictions: Restrictions,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._log = room_log
        self._grants = grants
        self._evictions = evictions
        self._restrictions = restrictions
        self._settings = settings
        self._joins = {
            recovered: metrics.joins.labels(label)
            for recovered, label in ((None, "no"), (True, "true"), (False, "false"))
        }

    async def join(
        self,
        member: Member,
        name: RoomName,
        since: Position | None = None,
        history: int | None = None,
        *,
        budget: int | None = None,
    ) -> tuple[JoinResult, int]:
        """Make the connection a member. Returns the result, and about how many bytes its messages take.

        The caller must send the result before it waits for anything, or hold the member's pushes.

        Nothing waits between reading the tail and becoming a member. So the pushes after the result follow it without a
        gap and without a repeat. Raises Refused, BadInput `not_found`, Limited, Unavailable, and Deferred when the
        replay is over `budget` bytes.
        """
        text = str(name)
        if history is not None and history > self._settings.history_limit:
            raise invalid(f"history must be at most {self._settings.history_limit}")
        self._check_count(member, text)
        asked = time.monotonic()
        granted = await self._grants.grant(member.user, name)
        async with self._hub.using(name) as room:
            reached = False
            if since is not None and since.epoch == self._log.epoch:
                reached = await self._hub.backfill.extend_to(room, since.seq)
            count = history or 0
            if since is not None and not reached:
                count = max(count, self._settings.join_messages)
            if count:
                await self._hub.backfill.extend_by(room, count)
            while self._evictions.last(text, member.user.id) >= asked:
                # The user was evicted meanwhile. The owner has to be asked again, since the role may be another one.
                asked = time.monotonic()
                granted = await self._grants.grant(member.user, name)
            # From here to the end nothing may wait.
            recovered = reached and since is not None and room.tail.start <= since.seq <= room.position
            self._check_count(member, text)
            if not member.open:
                raise Refused(Code.NOT_JOINED, "the connection is closed")
            self._evictions.require_admitted(text, member.user.id)
            prev = since.seq if recovered and since is not None else 0
            pushes = room.tail.since(prev) if recovered else room.tail.newest(count) if count else []
            pushes = seen(pushes, granted.seen_from)
            used = sum(size(push) for push in pushes)
            if budget is not None and used > budget:
                raise Deferred
            new = text not in member.rooms
            if new:
                self._appear(room, member)
            can = self._restrictions.can(name, granted.role, member.user.id)
            membership = Membership(member, room, granted.role, can, seen_from=granted.seen_from)
            # The room's own text, which all of its members share.
            member.rooms[room.text] = membership
            room.fanout.enter(membership)
            if new:
                room.notify_owner(room.on_join, membership)
            self._joins[None if since is None else recovered].inc()
            result = JoinResult(
                room=text,
                epoch=self._log.epoch,
                seq=room.position,
                recovered=recovered if since is not None else None,
                messages=replay(member.codec, pushes, prev),
                members=head_count(room),
                can=can,
            )
            return result, used

    def leave(self, member: Member, name: str) -> bool:
        """Take the connection out of a room; whether it was in it."""
        membership = member.rooms.get(name)
        if membership is None:
            return False
        membership.room.leave(member, time.monotonic())
        return True

    def leave_all(self, member: Member) -> None:
        for room in list(member.rooms):
            self.leave(member, room)

    def _appear(self, room: Room, member: Member) -> None:
        if room.presence is not None:
            user = member.user
            room.presence.enter(Person(user.id, user.name, user.role.value, clock.now_ms()))

    def _check_count(self, member: Member, room: str) -> None:
        if room not in member.rooms and len(member.rooms) >= self._settings.rooms_per_connection:
            raise Limited("this connection is in too many rooms", retry_after=1.0)


def head_count(room: Room) -> int:
    """How many people are in the room on all nodes. In a room without presence it counts this node alone."""
    if room.presence is not None:
        return room.presence.count
    return room.fanout.users
