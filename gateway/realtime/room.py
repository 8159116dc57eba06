"""A room as one node serves it: its position in the log, its tail, its members. There is no IO and no wait.

Every message names its predecessor, so the rules are few:

- a message at or below the position has been served: drop it;
- a message whose predecessor is above the position reveals a gap: hold it, and everything after it, until the gap has
  been read from the log;
- never compare a predecessor for equality, because erasing and expiry move it.

Each message is served once, in order, to all members alike. So one encoding serves all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

import structlog

from gateway.contract.room_kind import Watch, unwatched
from gateway.protocol.names import RoomName
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.dedup_window import DedupWindow
from gateway.realtime.fanout import Fanout
from gateway.realtime.member import Member, Membership
from gateway.realtime.presence import RoomPresence
from gateway.realtime.tail import Tail
from gateway.realtime.typing import RoomTyping

log = structlog.get_logger(__name__)


class Room:
    """The members of one room on this node, and what they have been served.

    `position` is a sequence of the whole log. Every message of this room up to it was served, or was stored before the
    room was opened here. `recent_loaded` says that the tail and `dedup` cover the last two minutes.
    """

    __slots__ = (
        "_held",
        "_reading",
        "_served",
        "dedup",
        "fanout",
        "follower",
        "known",
        "name",
        "on_join",
        "on_leave",
        "position",
        "presence",
        "recent_loaded",
        "tail",
        "text",
        "typing",
    )

    def __init__(
        self,
        name: RoomName,
        position: int,
        tail: Tail,
        dedup: DedupWindow,
        fanout: Fanout,
        presence: RoomPresence | None = None,
        typing: RoomTyping | None = None,
    ) -> None:
        self.name = name
        self.text = str(name)
        self.position = position
        self.tail = tail
        self.dedup = dedup
        self.fanout = fanout
        self.presence = presence
        self.typing = typing
        self.recent_loaded = False
        self._reading: asyncio.Lock | None = None
        # The owner's hooks, called when a membership begins and when it ends.
        self.on_join: Watch = unwatched
        self.on_leave: Watch = unwatched
        # Called with each push as it is served, for a reader that is no member. It must not wait.
        self.follower: Callable[[StoredPush], None] | None = None
        # The newest seq that is known to be in the log. When it is above the position, there is a gap.
        self.known = position
        self._served = position
        self._held: list[tuple[StoredPush, int]] = []

    @property
    def members(self) -> Mapping[str, Membership]:
        """The members on this node, by connection."""
        return self.fanout.members

    @property
    def reading(self) -> asyncio.Lock:
        """Held while the room's past is read: see `gateway.realtime.backfill`. Few rooms ever need it."""
        if self._reading is None:
            self._reading = asyncio.Lock()
        return self._reading

    @property
    def behind(self) -> bool:
        """Whether there is a gap to read: the messages after `position` up to `known`."""
        return self.known > self.position

    def offer(self, push: StoredPush, prev: int) -> bool:
        """Take a message from the bus. Returns whether there is a gap to read."""
        if push.seq <= self.position:
            return self.behind
        if self.behind or prev > self.position:
            self._held.append((push, prev))
            self.known = max(self.known, push.seq)
            return True
        self._serve(push)
        return False

    def reveal(self, seq: int) -> bool:
        """Note that `seq` is in the log. Returns whether there is a gap to read."""
        self.known = max(self.known, seq)
        return self.behind

    def fill(self, pushes: Iterable[StoredPush], until: int) -> bool:
        """Take all messages that the log holds after the position up to `until`. Returns whether a gap is left."""
        for push in pushes:
            if self.position < push.seq <= until:
                self._serve(push)
        # Messages in between that are not among the pushes were erased or have expired.
        self.position = max(self.position, until)
        self.known = max(self.known, self.position)
        held, self._held = self._held, []
        for push, prev in held:
            if push.seq <= self.position:
                continue
            if prev > self.position:
                self._held.append((push, prev))
            else:
                self._serve(push)
        return self.behind

    def leave(self, member: Member, now: float) -> None:
        """Take a connection out. In presence, its user stays for the grace."""
        membership = member.rooms.pop(self.text)
        self.fanout.leave(member.id)
        if self.presence is not None:
            self.presence.leave(member.user.id, now)
        self.notify_owner(self.on_leave, membership)

    def notify_owner(self, watch: Watch, membership: Membership) -> None:
        """Call the owner's `on_join` or `on_leave`. What it raises is logged, and does not affect the member."""
        try:
            watch(membership.member.user, self.name.id, membership.role)
        except Exception:
            log.exception("room.watch_failed", room=self.text)

    def advance(self, place: int) -> None:
        """Move the position to `place`, when nothing of the room up to there is unserved."""
        if not self.behind:
            self.position = self.known = max(self.position, place)

    def _serve(self, push: StoredPush) -> None:
        self.position = push.seq
        self.known = max(self.known, push.seq)
        self.dedup.add(push)
        self.tail.append(push)
        if not push.push:
            return
        if self.follower is not None:
            self.follower(push)
        # Not the position, which also moves past erased messages that no member was served.
        prev, self._served = self._served, push.seq
        self.fanout.durable(push, prev)
