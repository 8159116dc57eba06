"""The client: it stays connected, and joins rooms. Everything else in this package is reached from here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from ksmp_client.address import realtime_url
from ksmp_client.connector import Connector
from ksmp_client.errors import ClientClosed, ClosedForGood, ConnectionLost, NotConnected, no_answer
from ksmp_client.events import ConnectionState
from ksmp_client.link import Transport
from ksmp_client.messages import User
from ksmp_client.room import TIMEOUT, Room
from ksmp_client.rooms import Rooms
from ksmp_client.socketlink import Options
from ksmp_client.states import States
from ksmp_client.tokens import Tokens, TokenSource
from ksmp_client.transport_policy import TransportPolicy
from ksmp_client.wire import CodecName, Wire

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
        self._states = States(urls[0])
        self._rooms = Rooms(self._states, inbox)
        policy = TransportPolicy(websocket_retry)
        self._connector = Connector(urls, Tokens(token), Wire(codec), options, policy, self._rooms)
        self._connect_timeout = connect_timeout
        self._connecting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._connecting = asyncio.create_task(self._connect())
        try:
            async with asyncio.timeout(self._connect_timeout):
                await self._rooms.connected()
        except TimeoutError:
            obstacle = self._states.obstacle
            await self.close()
            raise NotConnected(f"no gateway let us in within {self._connect_timeout:g} s: {obstacle}") from None
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
        return self._states.present

    @property
    def user(self) -> User:
        """The user whom the token names. Raises RuntimeError before the first connection.

        Over an event stream, id and role come from the rooms that the gateway joins by itself, the name from the token.
        """
        if self._rooms.user is None:
            raise RuntimeError("the client has not been connected yet")
        return self._rooms.user

    @property
    def transport(self) -> Transport | None:
        """The transport of the present connection. None while there is no connection."""
        return None if self._rooms.link is None else self._rooms.link.transport

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms of this client by name. They include those that the gateway joins by itself."""
        return self._rooms.present

    def states(self) -> AsyncIterator[ConnectionState]:
        """The present state of the connection and all that follow, until `Closed`."""
        return self._states.read()

    async def join(self, name: str, *, history: int | None = None, timeout: float = 30.0) -> Room:
        """Join a room and stay in it. Its first event is `Joined` with the room's last `history` messages.

        If the client is in the room already, by an earlier call or by the gateway, that room is returned. Raises
        CommandFailed when the gateway refuses, or does not let the client in within `timeout` seconds.
        """
        return await self._rooms.join(name, history, timeout)

    async def request(self, cmd: str, *, timeout: float = TIMEOUT, **fields: Any) -> Any:
        """Wait for a connection, send a command once as it is, and return the ok of its reply as plain data.

        An event stream carries only the commands of a room, and `ping`. Others fail with `unknown_command`. Raises
        CommandFailed, with `unavailable` when no reply came, and ClosedForGood.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        try:
            async with asyncio.timeout_at(deadline):
                link = await self._rooms.connected()
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
        self._rooms.end(ClientClosed())
        await self._rooms.finish()

    async def _connect(self) -> None:
        try:
            end = await self._connector.run()
        except Exception as error:
            # Nobody awaits this task. Those who wait for the connection must not wait for ever.
            end = ClosedForGood(FAILED, f"the client failed: {error!r}")
            end.__cause__ = error
        self._rooms.end(end)
