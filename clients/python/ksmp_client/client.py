"""The client: it stays connected, and joins rooms. Everything else in this package is reached from here."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from ksmp_client.address import realtime_url
from ksmp_client.connector import Connector
from ksmp_client.errors import ClientClosed, ClosedForGood, ConnectionLost, NotConnected, no_answer
from ksmp_client.events import Closed, Connected, Connecting, ConnectionState, Waiting
from ksmp_client.inbox import Inbox
from ksmp_client.link import Link, Transport
from ksmp_client.membership import Membership
from ksmp_client.messages import Position, Push, User
from ksmp_client.room import TIMEOUT, Room
from ksmp_client.socketlink import Options
from ksmp_client.tokens import Tokens, TokenSource
from ksmp_client.transport_policy import TransportPolicy
from ksmp_client.wire import CodecName, Welcome, Wire

# As many states as a slow reader of `states` may have unread. Then the oldest are dropped.
STATES_KEPT: Final = 100
# The close code for an unexpected condition (RFC 6455, section 7.4.1).
FAILED: Final = 1011


class Client:
    """Use it as `async with Client(url, token=token) as client:`. Inside, it is connected or reconnecting.

    `url` is one gateway or several (`http://host:port` is enough). The client tries them in turn. `token` is a token,
    or a function that returns a fresh one. The client calls that at each connection and at 80 % of a token's life.
    It reopens lost connections with exponential backoff, and joins its rooms again. `inbox` is how many events
    of a room may wait to be read.

    Entering waits for the first connection. It raises NotConnected when there is none after `connect_timeout`
    seconds; with None it waits for ever. Once the gateway has closed with 4500–4999 or refused the token, entering
    and every other call raise ClosedForGood.

    Where a network lets no WebSocket pass (two failed upgrades in a row), the client goes on over server-sent events
    and HTTP, with the same promises; `transport` says which is in use. It tries a WebSocket again, first within
    `websocket_retry` seconds and later within up to twenty times as many, and changes back when one works.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        token: TokenSource,
        codec: CodecName = "json",
        name: str = "ksmp-python",
        inbox: int = 1000,
        connect_timeout: float | None = 30.0,
        compression: str | None = None,
        open_timeout: float = 10.0,
        ping_interval: float | None = 20.0,
        ping_timeout: float | None = 10.0,
        websocket_retry: float = 30.0,
    ) -> None:
        urls = [realtime_url(text) for text in ([url] if isinstance(url, str) else url)]
        if not urls:
            raise ValueError("A client needs the address of at least one gateway.")
        options = Options(
            name=name,
            compression=compression,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        self._connector = Connector(urls, Tokens(token), Wire(codec), options, TransportPolicy(websocket_retry), self)
        self._inbox = inbox
        self._connect_timeout = connect_timeout
        self._trying = urls[0]
        self._trouble = ""
        self._rooms: dict[str, Room] = {}
        self._resuming: set[str] = set()
        self._state: ConnectionState = Connecting(urls[0])
        self._user: User | None = None
        self._link: Link | None = None
        self._over: ClosedForGood | None = None
        self._changed = asyncio.Event()
        self._readers: weakref.WeakSet[Inbox[ConnectionState]] = weakref.WeakSet()
        self._connecting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._connecting = asyncio.create_task(self._connect())
        try:
            async with asyncio.timeout(self._connect_timeout):
                await self._connected()
        except TimeoutError:
            trouble = self._trouble or f"{self._trying} does not answer"
            await self.close()
            raise NotConnected(f"no gateway let us in within {self._connect_timeout:g} s: {trouble}") from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def state(self) -> ConnectionState:
        """The present state of the connection."""
        return self._state

    @property
    def user(self) -> User:
        """The user whom the token names. Raises RuntimeError before the first connection.

        Over an event stream, id and role come from the rooms that the gateway joins by itself, the name from the token.
        """
        if self._user is None:
            raise RuntimeError("the client has not been connected yet")
        return self._user

    @property
    def transport(self) -> Transport | None:
        """The transport of the present connection. None while there is no connection."""
        return None if self._link is None else self._link.transport

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms of this client by name. They include those that the gateway joins by itself."""
        return {name: room for name, room in self._rooms.items() if not room.ended}

    def states(self) -> AsyncIterator[ConnectionState]:
        """The present state of the connection and all that follow, until `Closed`."""
        reader: Inbox[ConnectionState] = Inbox(STATES_KEPT)
        reader.put(self._state)
        if self._over is not None:
            reader.end()
        self._readers.add(reader)
        return reader

    async def join(self, name: str, *, history: int | None = None, timeout: float = 30.0) -> Room:
        """Join a room and stay in it. Its first event is `Joined` with the room's last `history` messages.

        If the client is in the room already, by an earlier call or by the gateway, that room is returned. Raises
        CommandFailed when the gateway refuses, or does not let the client in within `timeout` seconds.
        """
        if self._over is not None:
            raise self._over
        self._rooms = dict(self.rooms)
        room = self._rooms.get(name)
        if room is not None and room.position is not None:
            return room
        if room is None:
            room = self._add(name, history)
            room.membership.attach(self._link)
            room.membership.join()
        try:
            await room.membership.joined(asyncio.get_running_loop().time() + timeout)
        except BaseException:
            if room.position is None:
                self._give_up(room)
            raise
        return room

    async def request(self, cmd: str, *, timeout: float = TIMEOUT, **fields: Any) -> Any:
        """Wait for a connection, send a command once as it is, and return the ok of its reply as plain data.

        An event stream carries only the commands of a room, and `ping`. Others fail with `unknown_command`. Raises
        CommandFailed, with `unavailable` when no reply came, and ClosedForGood.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        try:
            async with asyncio.timeout_at(deadline):
                link = await self._connected()
        except TimeoutError:
            raise no_answer(f"not connected within {timeout:g} s") from None
        try:
            return await link.request(cmd, timeout=max(0.0, deadline - loop.time()), **fields)
        except ConnectionLost:
            raise no_answer("the connection was lost before the reply came") from None

    async def ping(self, *, timeout: float = TIMEOUT) -> float:
        """The seconds from sending a command until its reply. Raises what `request` raises."""
        started = asyncio.get_running_loop().time()
        await self.request("ping", timeout=timeout)
        return asyncio.get_running_loop().time() - started

    async def close(self) -> None:
        """Close the connection and end all rooms. A second call does nothing."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        self._end(ClientClosed())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # The connector calls what follows (`Owner`).

    def entered(self, state: ConnectionState) -> None:
        match state:
            case Connecting(url):
                self._trying = url
            case Waiting(_, _, reason):
                self._trouble = f"{self._trying}: {reason}"
        self._state = state
        for reader in list(self._readers):
            if reader.full:
                reader.drop_oldest()
            reader.put(state)

    def positions(self) -> dict[str, Position]:
        positions = {name: room.membership.resume() for name, room in self.rooms.items()}
        known = {name: position for name, position in positions.items() if position is not None}
        self._resuming = set(known)
        return known

    def welcomed(self, link: Link, url: str, welcome: Welcome) -> None:
        link.limit = int(welcome.limits.get("message_bytes", link.limit))
        self._link = link
        self._user = welcome.user or self._user
        living = self.rooms
        for name, room in living.items():
            room.membership.attach(link)
            if name not in welcome.rooms:
                room.membership.join()
        for name, found in welcome.rooms.items():
            if name in living:
                living[name].membership.resumed(found)
            elif name not in self._resuming:
                # The gateway joined it by itself. (Any other room was left while the `connect` was on its way.)
                room = self._add(name, None)
                room.membership.attach(link)
                room.membership.resumed(found)
            else:
                self._spawn(link.post("leave", room=name))
        self.entered(Connected(url, welcome.connection, self._user, link.transport))
        self._changed.set()

    def joined(self, link: Link, name: str, found: Any) -> None:
        if link is not self._link:
            return
        room = self.rooms.get(name)
        if room is not None:
            room.membership.resumed(found)
        elif name not in self._resuming:
            room = self._add(name, None)
            room.membership.attach(link)
            room.membership.resumed(found)

    def pushed(self, push: Push) -> None:
        room = self._rooms.get(push.room or "")
        if room is not None:
            room.membership.pushed(push)

    def lost(self) -> None:
        self._link = None
        for room in self._rooms.values():
            room.membership.lost()

    async def _connect(self) -> None:
        try:
            over = await self._connector.run()
        except Exception as error:
            # Nobody awaits this task. Those who wait for the connection must not wait for ever.
            over = ClosedForGood(FAILED, f"the client failed: {error!r}")
            over.__cause__ = error
        self._end(over)

    def _end(self, over: ClosedForGood) -> None:
        if self._over is not None:
            return
        self._over = over
        for room in self._rooms.values():
            # An app that closed the client itself expects its loops to end, not to fail.
            room.membership.end(over, quiet=isinstance(over, ClientClosed))
        self.entered(Closed(over.code, over.reason))
        for reader in list(self._readers):
            reader.end()
        self._changed.set()

    async def _connected(self) -> Link:
        while True:
            if self._over is not None:
                raise self._over
            if self._link is not None:
                return self._link
            self._changed.clear()
            await self._changed.wait()

    def _add(self, name: str, history: int | None) -> Room:
        room = Room(Membership(name, history=history, limit=self._inbox, spawn=self._spawn))
        self._rooms[name] = room
        return room

    def _give_up(self, room: Room) -> None:
        """End a room that was not joined in time. Its join may still be on its way, so leave it too."""
        room.membership.end(None)
        if self._link is not None:
            self._spawn(self._link.post("leave", room=room.name))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
