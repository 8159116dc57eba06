"""A link over a WebSocket: how it is opened, and how to tell that the network blocks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, ProxyError
from websockets.typing import Subprotocol

from ksmp_client.address import on_this_machine
from ksmp_client.codes import Code
from ksmp_client.errors import CommandFailed, ConnectionLost, no_answer
from ksmp_client.link import ABNORMAL, CONNECT_BYTES, INVALID_DATA, PROTOCOL_ERROR, Transport
from ksmp_client.messages import Disconnect, Push
from ksmp_client.wire import LARGEST_MESSAGE, Incoming, Wire, failure

T = TypeVar("T")

CLOSE_TIMEOUT: Final = 2.0
# Status and body with which a gateway itself refuses a handshake. Any other refusal comes from something between.
GATEWAY_REFUSALS: Final = ((403, b"origin not allowed"), (503, b"not ready"))


@dataclass(frozen=True, kw_only=True)
class Options:
    """How connections are opened. Times are in seconds."""

    name: str
    compression: str | None
    open_timeout: float
    ping_interval: float | None
    ping_timeout: float | None


async def open_socket(url: str, wire: Wire, options: Options) -> ClientConnection:
    """Open a WebSocket. Raises any error; `blocked` tells what it means."""
    return await connect(
        url,
        subprotocols=[Subprotocol(wire.subprotocol)],
        compression=options.compression,
        open_timeout=options.open_timeout,
        ping_interval=options.ping_interval,
        ping_timeout=options.ping_timeout,
        close_timeout=CLOSE_TIMEOUT,
        max_size=LARGEST_MESSAGE,
        # The environment's proxy is for what is not on this machine.
        proxy=None if on_this_machine(url) else True,
    )


def blocked(error: Exception) -> bool:
    """Whether something between client and gateway kept the WebSocket from opening.

    False when nobody listens at the address, as while a gateway restarts, and when the gateway itself refused.
    """
    match error:
        case InvalidStatus(response=response):
            return (response.status_code, bytes(response.body or b"")) not in GATEWAY_REFUSALS
        case ProxyError():
            return False
        case InvalidHandshake() | ConnectionClosed() | TimeoutError() | ConnectionResetError() | EOFError():
            return True
        case _:
            return False


class SocketLink:
    """Implements `Link`. It lives as long as its socket."""

    transport: Final[Transport] = "websocket"

    def __init__(self, socket: ClientConnection, wire: Wire, on_push: Callable[[Push], None]) -> None:
        self.limit = CONNECT_BYTES
        self.disconnect: Disconnect | None = None
        self._socket = socket
        self._wire = wire
        self._on_push = on_push
        self._last_id = 0
        self._waiting: dict[int, Callable[[Incoming | None], None]] = {}
        self._lost = False
        self._heard = False

    @property
    def silent(self) -> bool:
        """Whether the socket was cut before the first message of the gateway."""
        return not self._heard and (self._socket.close_code or ABNORMAL) in (ABNORMAL, PROTOCOL_ERROR, INVALID_DATA)

    async def read(self) -> tuple[int, str]:
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
        if self.disconnect is not None:
            return self.disconnect.code, self.disconnect.reason
        return self._socket.close_code or ABNORMAL, self._socket.close_reason or "the connection was lost"

    async def request(self, cmd: str, *, timeout: float, on_ok: Callable[[Any], T] = lambda ok: ok, **fields: Any) -> T:
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
        try:
            await self._send(self._encode({"cmd": cmd, **fields}))
        except ConnectionLost:
            return

    async def close(self) -> None:
        if self.silent:
            # Nobody would answer a closing handshake.
            self._socket.transport.abort()
        await self._socket.close()

    def _encode(self, command: dict[str, Any]) -> bytes:
        payload = self._wire.encode({name: value for name, value in command.items() if value is not None})
        if len(payload) > self.limit:
            # The gateway would close the connection, and a repeat would do it again.
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
        self._heard = True
        if message.id is not None:
            settle = self._waiting.get(message.id)
            if settle is not None:
                settle(message)
        elif message.push == Disconnect.push:
            self.disconnect = msgspec.convert(message.data, Disconnect)
        elif message.push:
            self._on_push(message.as_push())
