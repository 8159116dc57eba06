"""Users of a gateway: REST clients, sockets, and members of a room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import httpx

from ksmp_testkit.running import Running
from ksmp_testkit.socket_client import TIMEOUT, Data, Message, WireClient, connected
from ksmp_testkit.tokens import MakeToken


class Caller(Protocol):
    def __call__(self, user: str | None = None, role: str = "student") -> httpx.AsyncClient: ...


class Member:
    """One user in one room: a socket that has joined it, and REST as the same user."""

    def __init__(self, user: str, role: str, room: str, socket: WireClient, rest: httpx.AsyncClient) -> None:
        self.user = user
        self.role = role
        self.room = room
        self.socket = socket
        self.rest = rest

    async def command(self, name: str, data: Data = None, *, nonce: str | None = None) -> Message:
        """Use a command in the room; the `ok` of its reply. Raises WireError, which has a `code`."""
        return await self.socket.command(self.room, name, data, nonce=nonce)

    async def refusal(self, name: str, data: Data = None) -> str:
        """The code of the error that a command is answered; raises AssertionError when it is not refused."""
        return await self.socket.refusal(self.room, name, data)

    async def expect_push(self, name: str, *, timeout: float = TIMEOUT) -> Message:
        """The next push of this name in the room that was not taken yet. Raises TimeoutError when none comes."""
        return await self.socket.expect_push(name, self.room, timeout=timeout)


class Clients:
    """Makes the clients of one gateway, and closes them."""

    def __init__(self, running: Running, token: MakeToken) -> None:
        self._running = running
        self._token = token
        self._stack = AsyncExitStack()

    def rest(self, user: str | None = None, role: str = "student") -> httpx.AsyncClient:
        """Calls the gateway's routes as this user; without one it has no token."""
        headers = {"Authorization": f"Bearer {self._token(user, role)}"} if user is not None else {}
        client = httpx.AsyncClient(base_url=self._running.url, headers=headers, timeout=30)
        self._stack.push_async_callback(client.aclose)
        return client

    async def socket(self, user: str, role: str = "student", *, codec: str = "json") -> WireClient:
        """A socket that has signed in. At its end it must have seen every push of its rooms once."""
        return await self._stack.enter_async_context(connected(self._running.ws_url, self._token(user, role), codec))

    async def member(self, room: str, user: str, role: str = "student") -> Member:
        """A user who has joined a room."""
        socket = await self.socket(user, role)
        await socket.join(room)
        return Member(user, role, room, socket, self.rest(user, role))

    async def close(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def clients_of(running: Running, token: MakeToken) -> AsyncIterator[Clients]:
    """Clients of a gateway, closed at the end."""
    clients = Clients(running, token)
    try:
        yield clients
    finally:
        await clients.close()
