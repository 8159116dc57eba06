"""Writes a room's messages to its members. Each message is encoded once, and each member gets them in the room's order.

Messages that come in one turn of the event loop are joined. They are written at the end of that turn, with one call for
each member. There is no timer. The system call is the cost of a delivery, and joining saves such calls.

A large room is written in slices, with other work of the loop between them. The next messages wait until every member
has the messages before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from gateway.protocol.messages import Push
from gateway.protocol.stored_push import StoredPush
from gateway.realtime.frame_encoder import FrameEncoder, wire
from gateway.realtime.member import Membership

log = structlog.get_logger(__name__)

# A write takes about 8 µs, so a slice holds the loop for well under 5 ms.
SLICE: Final = 400

Schedule = Callable[[Callable[[], None]], object]
Written = Callable[["Batch"], None]


class Batch:
    """Messages for the same members. They are encoded with an encoder when its first member is written to."""

    __slots__ = ("_frames", "_messages", "durable", "ephemeral", "members", "oldest", "place")

    def __init__(self) -> None:
        self.members: list[Membership] | None = None
        self.place = 0
        self.durable = 0
        self.ephemeral = 0
        # When the first durable message was stored, in milliseconds since the Unix epoch.
        self.oldest = 0
        self._messages: list[tuple[StoredPush | Push, int]] = []
        self._frames: dict[FrameEncoder, tuple[bytes, bytes]] = {}

    def add_durable(self, push: StoredPush, prev: int) -> None:
        self._messages.append((push, prev))
        self.durable += 1
        self.oldest = self.oldest or push.at

    def add_ephemeral(self, push: Push) -> None:
        self._messages.append((push, 0))
        self.ephemeral += 1

    def frames(self, encoder: FrameEncoder) -> tuple[bytes, bytes]:
        """All messages as one piece of bytes, and the durable ones alone."""
        found = self._frames.get(encoder)
        if found is None:
            found = self._frames[encoder] = self._encode(encoder)
        return found

    def _encode(self, encoder: FrameEncoder) -> tuple[bytes, bytes]:
        every: list[bytes] = []
        lasting: list[bytes] = []
        for message, prev in self._messages:
            if isinstance(message, StoredPush):
                frame = encoder.frame(wire(message, encoder.codec, prev))
                lasting.append(frame)
            else:
                frame = encoder.frame(message)
            every.append(frame)
        together = b"".join(every)
        return together, together if not self.ephemeral else b"".join(lasting)


class Fanout:
    """The members of one room on this node, and the messages on their way to them."""

    __slots__ = ("_queue", "_schedule", "_scheduled", "_users", "_written", "members")

    def __init__(self, schedule: Schedule, written: Written) -> None:
        self.members: dict[str, Membership] = {}
        # The members of each user. None while there was at most one member, as in most rooms.
        self._users: dict[str, int] | None = None
        self._schedule = schedule
        self._written = written
        # It seldom holds more than two. A list is smaller than a deque, and in most rooms it is empty.
        self._queue: list[Batch] = []
        self._scheduled = False

    @property
    def users(self) -> int:
        """How many users the members belong to."""
        return len(self.members) if self._users is None else len(self._users)

    def durable(self, push: StoredPush, prev: int) -> None:
        """Send a stored push to all members; `prev` is the seq of the push that they were served before it."""
        if self.members:
            self._open().add_durable(push, prev)

    def ephemeral(self, push: Push) -> None:
        """Send an ephemeral push to the members that keep up with reading."""
        if self.members:
            self._open().add_ephemeral(push)

    def enter(self, membership: Membership) -> None:
        """Add a member. It gets what is sent from now on, and nothing that was sent before."""
        self._seal()
        self.leave(membership.member.id)
        self.members[membership.member.id] = membership
        user = membership.member.user.id
        if self._users is not None:
            self._users[user] = self._users.get(user, 0) + 1
        elif len(self.members) > 1:
            self._users = dict(Counter(one.member.user.id for one in self.members.values()))

    def of(self, user: str) -> list[Membership]:
        """The memberships of one user."""
        if self._users is not None and user not in self._users:
            return []
        return [membership for membership in self.members.values() if membership.member.user.id == user]

    def leave(self, member_id: str) -> None:
        membership = self.members.pop(member_id, None)
        if membership is not None:
            # A batch on its way may still hold the membership.
            membership.left = True
            if self._users is not None:
                user = membership.member.user.id
                self._users[user] -= 1
                if not self._users[user]:
                    del self._users[user]

    def _open(self) -> Batch:
        """The batch that new messages are added to."""
        if not self._queue or self._queue[-1].members is not None:
            self._queue.append(Batch())
            if not self._scheduled:
                self._scheduled = True
                self._schedule(self._flush)
        return self._queue[-1]

    def _seal(self) -> None:
        """Fix the members of the open batch, before another one enters."""
        if self._queue and self._queue[-1].members is None:
            self._queue[-1].members = list(self.members.values())

    def _flush(self) -> None:
        """Write one slice, and schedule the next one."""
        batch = self._queue[0]
        if batch.members is None:
            batch.members = list(self.members.values())
        end = batch.place + SLICE
        deliver(batch, batch.members[batch.place : end])
        batch.place = end
        if end >= len(batch.members):
            del self._queue[0]
            self._written(batch)
        if self._queue:
            self._schedule(self._flush)
        else:
            self._scheduled = False


def deliver(batch: Batch, memberships: Iterable[Membership]) -> None:
    """Write a batch to some of its members. This code runs for every delivery, so it must stay short."""
    encoder: FrameEncoder | None = None
    every = lasting = b""
    for membership in memberships:
        if membership.left:
            continue
        member = membership.member
        if member.encoder is not encoder:
            encoder = member.encoder
            every, lasting = batch.frames(encoder)
        try:
            if (write := member.fast_write) is not None:
                write(every)
            else:
                member.write_batch(every, lasting)
        except Exception:
            # The other members must still get theirs. If this one lives, the next `prev` reveals the gap to it.
            log.exception("fanout.write_failed", connection=member.id)
