"""A room as one node serves it: its place in the log, its tail, its members. No IO and no waiting.

Every message names its predecessor, so the rules are few. A message at or below the position has been
served: drop it. One whose predecessor is above the position reveals a gap: hold it, and everything
after it, until the gap was read from the log. Predecessors are never compared for equality: erasing
and expiry move them. What is served is served in order, once, to all members alike, so that one
encoding serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog

from gateway.contract.room_kind import Watch, unwatched
from gateway.protocol.names import RoomName
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.dedup_window import DedupWindow
from gateway.realtime.fanout import Fanout
from gateway.realtime.member import Member, Membership
from gateway.realtime.presence import Presence
from gateway.realtime.tail import Tail
from gateway.realtime.typing import Typing

log = structlog.get_logger(__name__)


class Room:
    """The members of one room on this node and what they have been served.

    `position` is a place in the whole log: every message of this room up to it has been served, or was there
    before the room was opened here. `remembers` says that the tail and `dedup` cover the last two minutes.
    """

    __slots__ = (
        "_held",
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
        "remembers",
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
        presence: Presence | None = None,
        typing: Typing | None = None,
    ) -> None:
        self.name = name
        self.text = str(name)
        self.position = position
        self.tail = tail
        self.dedup = dedup
        self.fanout = fanout
        self.presence = presence
        self.typing = typing
        self.remembers = False
        # The owner's, who is told of each membership's beginning and end.
        self.on_join: Watch = unwatched
        self.on_leave: Watch = unwatched
        # For what is not a member: called with each push as it is served, and must not wait.
        self.follower: Callable[[StoredPush], None] | None = None
        # The newest seq known to be in the log; above the position there is a gap.
        self.known = position
        self._served = position
        self._held: list[tuple[StoredPush, int]] = []

    @property
    def members(self) -> Mapping[str, Membership]:
        """The members on this node, by connection."""
        return self.fanout.members

    @property
    def behind(self) -> bool:
        """Whether there is a gap to be read: everything after `position` up to `known`."""
        return self.known > self.position

    def offer(self, push: StoredPush, prev: int) -> bool:
        """Take a message as it comes from the bus; whether there is a gap to be read."""
        if push.seq <= self.position:
            return self.behind
        if self.behind or prev > self.position:
            self._held.append((push, prev))
            self.known = max(self.known, push.seq)
            return True
        self._serve(push)
        return False

    def reveal(self, seq: int) -> bool:
        """Learn from elsewhere that `seq` is in the log; whether there is a gap to be read."""
        self.known = max(self.known, seq)
        return self.behind

    def fill(self, pushes: Iterable[StoredPush], until: int) -> bool:
        """Take everything the log holds after the position up to `until`; whether a gap is left."""
        for push in pushes:
            if self.position < push.seq <= until:
                self._serve(push)
        # What lay between and is not among the pushes was erased or has expired.
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
        """Take a connection out; to the others its user stays for the grace."""
        membership = member.rooms.pop(self.text)
        self.fanout.leave(member.id)
        if self.presence is not None:
            self.presence.leave(member.user.id, now)
        self.tell(self.on_leave, membership)

    def tell(self, watch: Watch, membership: Membership) -> None:
        """Call the owner's `on_join` or `on_leave`; what goes wrong there is no member's concern."""
        try:
            watch(membership.member.user, self.name.id, membership.role)
        except Exception:
            log.exception("room.watch_failed", room=self.text)

    def advance(self, place: int) -> None:
        """Move the position to a place that the room is known to have nothing unserved below."""
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
        # Not the position: that moves past erased messages, which no member was served.
        prev, self._served = self._served, push.seq
        self.fanout.durable(push, prev)
