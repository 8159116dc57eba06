"""The sockets of each user, and the limit on their number over the whole cluster.

There is no table of all sockets. A node announces a new socket, and the nodes that hold sockets of the same user answer
with theirs. The announcing node then tells all nodes to close the oldest over the limit. A node that died does not
answer, so nothing has to be cleaned up after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from gateway.bus.connection import NatsBus
from gateway.errors import CloseCode, Unavailable
from gateway.realtime.member import Member

log = structlog.get_logger(__name__)

ANNOUNCE = "gateway.users.connected"
DISPLACE = "gateway.users.displaced"
ANSWERS = "gateway.users.held."
# Seconds for which new sockets are gathered and then announced together.
GATHER: Final = 0.05
# Seconds that the other nodes have to answer. The sockets work meanwhile.
PATIENCE: Final = 0.3
# Users in one message. NATS carries 1 MiB a message by default, and they take far less.
AT_ONCE: Final = 5000


class HeldSocket(msgspec.Struct, frozen=True, array_like=True):
    """One socket of a user. `at` is when it connected, in nanoseconds since the Unix epoch."""

    at: int
    connection: str


class ConnectedUsers(msgspec.Struct, frozen=True, array_like=True):
    """Users who have a new socket on `node`. The other nodes answer with the sockets of these users."""

    users: list[str]
    node: str


class HeldSockets(msgspec.Struct, frozen=True, array_like=True):
    user: str
    held: list[HeldSocket]


class Displacement(msgspec.Struct, frozen=True, array_like=True):
    user: str
    connections: list[str]


class Users:
    """Knows which users have sockets on this node, and closes the oldest sockets of a user who has too many."""

    def __init__(self, bus: NatsBus, limit: int) -> None:
        self._bus = bus
        self._limit = limit
        self._node = uuid.uuid4().hex
        self._members: dict[str, dict[str, Member]] = {}
        self._new: set[str] = set()
        self._counting: dict[str, set[HeldSocket]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._bus.subscribe(ANNOUNCE, self._on_announcement)
        await self._bus.subscribe(DISPLACE, self._on_displacement)
        await self._bus.subscribe(ANSWERS + self._node, self._on_answer)

    def add(self, member: Member) -> None:
        """Add a new socket of its user, and apply the limit here and on the other nodes."""
        user = member.user.id
        held = self._members.setdefault(user, {})
        held[member.id] = member
        if len(held) > self._limit:
            self._close(user, self._over(set(self._here(user))))
        self._new.add(user)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._count())

    def remove(self, member: Member) -> None:
        held = self._members.get(member.user.id)
        if held is not None and held.pop(member.id, None) is not None and not held:
            del self._members[member.user.id]

    async def _count(self) -> None:
        """Announce the users who came, many in one message, until no more come."""
        try:
            while self._new:
                await asyncio.sleep(GATHER)
                users, self._new = list(self._new), set()
                for start in range(0, len(users), AT_ONCE):
                    with contextlib.suppress(Unavailable):
                        await self._ask(users[start : start + AT_ONCE])
        finally:
            self._task = None

    async def _ask(self, users: list[str]) -> None:
        self._counting = {user: set() for user in users}
        await self._bus.publish(ANNOUNCE, msgspec.json.encode(ConnectedUsers(users, self._node)))
        await asyncio.sleep(PATIENCE)
        for user, elsewhere in self._counting.items():
            if over := self._over({*self._here(user), *elsewhere}):
                await self._bus.publish(DISPLACE, msgspec.json.encode(Displacement(user, over)))

    def _here(self, user: str) -> list[HeldSocket]:
        return [
            HeldSocket(member.opened_at, member.id) for member in self._members.get(user, {}).values() if member.open
        ]

    def _over(self, held: set[HeldSocket]) -> list[str]:
        oldest_first = sorted(held, key=lambda item: (item.at, item.connection))
        return [item.connection for item in oldest_first[: max(0, len(held) - self._limit)]]

    def _close(self, user: str, connections: list[str]) -> None:
        for connection in connections:
            member = self._members.get(user, {}).get(connection)
            if member is not None:
                member.close(CloseCode.DISPLACED)

    async def _on_announcement(self, message: Msg) -> None:
        announcement = msgspec.json.decode(message.data, type=ConnectedUsers)
        if announcement.node == self._node:
            return
        for user in announcement.users:
            if held := self._here(user):
                with contextlib.suppress(Unavailable):
                    await self._bus.publish(ANSWERS + announcement.node, msgspec.json.encode(HeldSockets(user, held)))

    async def _on_answer(self, message: Msg) -> None:
        answer = msgspec.json.decode(message.data, type=HeldSockets)
        counting = self._counting.get(answer.user)
        if counting is not None:
            counting.update(answer.held)

    async def _on_displacement(self, message: Msg) -> None:
        displacement = msgspec.json.decode(message.data, type=Displacement)
        self._close(displacement.user, displacement.connections)
