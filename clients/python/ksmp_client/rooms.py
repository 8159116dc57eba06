"""All rooms of a client, over all its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from ksmp_client.errors import ClientClosed, ClosedForGood
from ksmp_client.events import Closed, Connected, ConnectionState
from ksmp_client.link import Link
from ksmp_client.membership import Membership
from ksmp_client.messages import Position, Push, User
from ksmp_client.room import Room
from ksmp_client.states import States
from ksmp_client.wire import Welcome


class Rooms:
    """Implements the connector's `Owner`: gives each room the present link, the results of its joins, and its pushes.

    `inbox` is how many events of a room may wait to be read.
    """

    def __init__(self, states: States, inbox: int) -> None:
        self.link: Link | None = None
        self.user: User | None = None
        self._states = states
        self._inbox = inbox
        self._rooms: dict[str, Room] = {}
        self._resuming: set[str] = set()
        self._end: ClosedForGood | None = None
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def present(self) -> Mapping[str, Room]:
        """The rooms that have not ended, by name."""
        return {name: room for name, room in self._rooms.items() if not room.ended}

    async def connected(self) -> Link:
        """Wait for a link. Raises what `end` was called with."""
        while True:
            if self._end is not None:
                raise self._end
            if self.link is not None:
                return self.link
            self._changed.clear()
            await self._changed.wait()

    async def join(self, name: str, history: int | None, timeout: float) -> Room:
        """As `Client.join` says."""
        if self._end is not None:
            raise self._end
        self._rooms = dict(self.present)
        room = self._rooms.get(name)
        if room is not None and room.position is not None:
            return room
        if room is None:
            room = self._add(name, history)
            room.membership.attach(self.link)
            room.membership.join()
        try:
            await room.membership.joined(asyncio.get_running_loop().time() + timeout)
        except BaseException:
            if room.position is None:
                self._give_up(room)
            raise
        return room

    def end(self, error: ClosedForGood) -> None:
        """End all rooms with this error. Only the first call counts."""
        if self._end is not None:
            return
        self._end = error
        for room in self._rooms.values():
            # An app that closed the client itself expects its loops to end, not to fail.
            room.membership.end(error, quiet=isinstance(error, ClientClosed))
        self._states.enter(Closed(error.code, error.reason))
        self._states.end()
        self._changed.set()

    async def finish(self) -> None:
        """Wait for work in the background, after `end`."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # The connector calls what follows.

    def entered(self, state: ConnectionState) -> None:
        self._states.enter(state)

    def positions(self) -> dict[str, Position]:
        positions = {name: room.membership.resume() for name, room in self.present.items()}
        known = {name: position for name, position in positions.items() if position is not None}
        self._resuming = set(known)
        return known

    def welcomed(self, link: Link, url: str, welcome: Welcome) -> None:
        link.limit = int(welcome.limits.get("message_bytes", link.limit))
        self.link = link
        self.user = welcome.user or self.user
        present = self.present
        for name, room in present.items():
            room.membership.attach(link)
            if name not in welcome.rooms:
                room.membership.join()
        for name, found in welcome.rooms.items():
            if name in present:
                present[name].membership.resumed(found)
            elif name not in self._resuming:
                # The gateway joined it by itself. (Any other room was left while the `connect` was on its way.)
                self._add_joined(link, name, found)
            else:
                self._spawn(link.post("leave", room=name))
        self._states.enter(Connected(url, welcome.connection, self.user, link.transport))
        self._changed.set()

    def joined(self, link: Link, name: str, found: Any) -> None:
        if link is not self.link:
            return
        room = self.present.get(name)
        if room is not None:
            room.membership.resumed(found)
        elif name not in self._resuming:
            self._add_joined(link, name, found)

    def pushed(self, push: Push) -> None:
        room = self._rooms.get(push.room or "")
        if room is not None:
            room.membership.pushed(push)

    def lost(self) -> None:
        self.link = None
        for room in self._rooms.values():
            room.membership.lost()

    def _add(self, name: str, history: int | None) -> Room:
        room = Room(Membership(name, history=history, limit=self._inbox, spawn=self._spawn))
        self._rooms[name] = room
        return room

    def _add_joined(self, link: Link, name: str, found: Any) -> None:
        """Add a room that the gateway joined by itself."""
        room = self._add(name, None)
        room.membership.attach(link)
        room.membership.resumed(found)

    def _give_up(self, room: Room) -> None:
        """End a room that was not joined in time. Its join may still be on its way, so leave it too."""
        room.membership.end(None)
        if self.link is not None:
            self._spawn(self.link.post("leave", room=room.name))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
