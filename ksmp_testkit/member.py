"""Users of a gateway: REST clients, sockets, and members of a room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec

from ksmp_testkit.running import Running
from ksmp_testkit.socket_client import TIMEOUT, Message, WireClient, WireError, connected
from ksmp_testkit.tokens import MakeToken

Data = msgspec.Struct | Mapping[str, Any] | None


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
        fields = {"nonce": nonce} if nonce is not None else {}
        return await self.socket.call(name, room=self.room, data=msgspec.to_builtins(data or {}), **fields)

    async def refusal(self, name: str, data: Data = None) -> str:
        """The code of the error that a command is answered; raises AssertionError when it is not refused."""
        try:
            ok = await self.command(name, data)
        except WireError as error:
            return error.code
        raise AssertionError(f"{name} was not refused: {ok}")

    async def expect_push(self, name: str, *, timeout: float = TIMEOUT) -> Message:
        """The next push of this name in the room that was not taken yet. Raises TimeoutError when none comes."""
        return await self.socket.expect_push(name, self.room, timeout=timeout)


class Clients:
    """Makes the clients of one gateway, and closes them."""

    def __init__(self, running: Running, token: MakeToken) -> None:
        self._running = running
        self._token = token
        self._stack = AsyncExitStack()

    def rest(self, user: str, role: str = "student") -> httpx.AsyncClient:
        """Calls the gateway's routes as this user."""
        return self._opened({"Authorization": f"Bearer {self._token(user, role)}"})

    def anonymous(self) -> httpx.AsyncClient:
        """Calls the gateway's routes without a token."""
        return self._opened({})

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

    def _opened(self, headers: dict[str, str]) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self._running.url, headers=headers, timeout=30)
        self._stack.push_async_callback(client.aclose)
        return client


@asynccontextmanager
async def clients_of(running: Running, token: MakeToken) -> AsyncIterator[Clients]:
    """Clients of a gateway, closed at the end."""
    clients = Clients(running, token)
    try:
        yield clients
    finally:
        await clients.close()
