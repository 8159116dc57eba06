"""One socket to a gateway: commands out, replies to whoever waits for them, pushes to one callback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gateway.client.errors import CommandFailed, ConnectionLost, no_answer
from gateway.client.wire import Incoming, Wire, failure
from gateway.errors import Code
from gateway.protocol.messages import Disconnect, Push

T = TypeVar("T")

# What a client may send before the server has told its limits.
CONNECT_BYTES: Final = 64 * 1024
INVALID_DATA: Final = 1007
ABNORMAL: Final = 1006


class Link:
    """Lives as long as its socket. `read` has to run for replies and pushes to arrive."""

    def __init__(self, socket: ClientConnection, wire: Wire, on_push: Callable[[Push], None]) -> None:
        self.limit = CONNECT_BYTES
        self.farewell: Disconnect | None = None
        self._socket = socket
        self._wire = wire
        self._on_push = on_push
        self._last_id = 0
        self._waiting: dict[int, Callable[[Incoming | None], None]] = {}
        self._lost = False

    async def read(self) -> tuple[int, str]:
        """Read until the socket ends; its close code and reason."""
        try:
            while True:
                self._take(self._wire.decode(await self._socket.recv(decode=False)))
        except ConnectionClosed:
            pass
        except msgspec.MsgspecError as error:
            await self._socket.close(INVALID_DATA, "not a message of the protocol")
            return INVALID_DATA, str(error)
        finally:
            self._lost = True
            for settle in list(self._waiting.values()):
                settle(None)
        if self.farewell is not None:
            return self.farewell.code, self.farewell.reason
        return self._socket.close_code or ABNORMAL, self._socket.close_reason or "the connection was lost"

    async def request(self, cmd: str, *, timeout: float, on_ok: Callable[[Any], T] = lambda ok: ok, **fields: Any) -> T:
        """Send a command and wait for its reply; what `on_ok` makes of it.

        `on_ok` is called before any later message is looked at. A field that is None is left out. Raises
        CommandFailed for an error reply, and as `unavailable` when none came in time, and ConnectionLost.
        """
        self._last_id += 1
        id = self._last_id
        payload = self._encode({"id": id, "cmd": cmd, **fields})
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(message: Incoming | None) -> None:
            del self._waiting[id]
            if reply.done():
                return
            if message is None:
                reply.set_exception(ConnectionLost())
            elif message.error is not None:
                reply.set_exception(failure(message.error))
            else:
                try:
                    reply.set_result(on_ok(message.ok))
                except msgspec.ValidationError as error:
                    reply.set_exception(CommandFailed(Code.INTERNAL, f"the reply to {cmd} is malformed: {error}"))

        self._waiting[id] = settle
        try:
            async with asyncio.timeout(timeout):
                await self._send(payload)
                return await reply
        except TimeoutError:
            raise no_answer(f"no reply to {cmd} within {timeout:g} s") from None
        finally:
            self._waiting.pop(id, None)

    async def post(self, cmd: str, **fields: Any) -> None:
        """Send a command that wants no reply; one that cannot be sent is forgotten."""
        try:
            await self._send(self._encode({"cmd": cmd, **fields}))
        except ConnectionLost:
            return

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._socket.close(code, reason)

    def _encode(self, command: dict[str, Any]) -> bytes:
        payload = self._wire.encode({name: value for name, value in command.items() if value is not None})
        if len(payload) > self.limit:
            # The server would close the connection for it, and a repeat would do so again.
            raise CommandFailed(Code.TOO_LARGE, f"the command takes {len(payload)} bytes, over {self.limit}")
        return payload

    async def _send(self, payload: bytes) -> None:
        if self._lost:
            raise ConnectionLost
        try:
            await self._socket.send(payload, text=self._wire.text)
        except ConnectionClosed:
            raise ConnectionLost from None

    def _take(self, message: Incoming) -> None:
        if message.id is not None:
            settle = self._waiting.get(message.id)
            if settle is not None:
                settle(message)
        elif message.push == Disconnect.push:
            self.farewell = msgspec.convert(message.data, Disconnect)
        elif message.push:
            self._on_push(message.as_push())
