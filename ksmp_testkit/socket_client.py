"""A client of the realtime protocol, written from the protocol's page alone, on the plain `websockets` library.

It holds what the page asks of a client (ids, codecs, positions, the gap rule) and nothing of the gateway's code.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

TIMEOUT = 10.0
Message = dict[str, Any]
# What a command carries.
Data = msgspec.Struct | Mapping[str, Any] | None


class WireError(Exception):
    """An error reply."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.temporary: bool = error.get("temporary", False)
        self.retry_after: float | None = error.get("retry_after")


class Closed(Exception):
    """The server closed the connection while something was waited for."""


class WireClient:
    """One connection. Everything received is kept in `received`, in order."""

    def __init__(self, socket: ClientConnection, codec: str) -> None:
        self.socket = socket
        self.codec = codec
        self.received: list[Message] = []
        # Of each room, what the connection was served of its log, replays included, and the position it holds.
        self.served: dict[str, list[int]] = {}
        self.positions: dict[str, int] = {}
        self.epochs: dict[str, str] = {}
        self.gaps: list[Message] = []
        self.repeats: list[Message] = []
        self._last_id = 0
        self._joining: dict[int, Message] = {}
        self._taken: set[int] = set()
        self._changed = asyncio.Event()
        self._ended = False
        self._reader = asyncio.get_running_loop().create_task(self._read())

    # Sending

    async def send(self, cmd: str, *, id: int | None = 0, **fields: Any) -> int:
        """Send a command and return its id: the next one, unless another is given; None sends none."""
        if id == 0:
            self._last_id += 1
            id = self._last_id
        message: Message = {"cmd": cmd, **fields}
        if id is not None:
            message["id"] = id
            if cmd == "join" and "room" in fields:
                self._joining[id] = fields
        await self.send_raw(message)
        return id or 0

    async def send_raw(self, message: Any) -> None:
        if self.codec == "msgpack":
            await self.socket.send(msgspec.msgpack.encode(message))
        else:
            await self.socket.send(json.dumps(message, ensure_ascii=False))

    async def call(self, cmd: str, **fields: Any) -> Message:
        """Send a command and return the `ok` of its reply; raises WireError for an error reply."""
        return await self.reply(await self.send(cmd, **fields))

    async def command(self, room: str, name: str, data: Data = None, *, nonce: str | None = None) -> Message:
        """Use a module's command in a room; raises WireError for an error reply."""
        fields = {"nonce": nonce} if nonce is not None else {}
        return await self.call(name, room=room, data=msgspec.to_builtins(data or {}), **fields)

    async def refusal(self, room: str, name: str, data: Data = None) -> str:
        """The code of the error that a command is answered; raises AssertionError when it is not refused."""
        try:
            ok = await self.command(room, name, data)
        except WireError as error:
            return error.code
        raise AssertionError(f"{name} was not refused: {ok}")

    async def reply(self, id: int, *, timeout: float = TIMEOUT) -> Message:
        """The `ok` of the reply to this id."""
        message = await self.expect(lambda one: one.get("id") == id, timeout=timeout)
        if "error" in message:
            raise WireError(message["error"])
        ok: Message = message["ok"]
        return ok

    async def connect(self, token: str, **fields: Any) -> Message:
        return await self.call("connect", token=token, **fields)

    async def join(self, room: str, **fields: Any) -> Message:
        return await self.call("join", room=room, **fields)

    async def say(self, room: str, text: str, **fields: Any) -> Message:
        return await self.call("chat.send", room=room, data={"text": text}, **fields)

    # Receiving

    async def expect(self, wanted: Callable[[Message], bool], *, timeout: float = TIMEOUT) -> Message:
        """The first message that is wanted and was not taken yet."""
        async with asyncio.timeout(timeout):
            while True:
                self._changed.clear()
                for index, message in enumerate(self.received):
                    if index not in self._taken and wanted(message):
                        self._taken.add(index)
                        return message
                if self._ended:
                    raise Closed(f"{self.socket.close_code} {self.socket.close_reason}")
                await self._changed.wait()

    async def expect_push(self, push: str, room: str | None = None, *, timeout: float = TIMEOUT) -> Message:
        return await self.expect(
            lambda one: one.get("push") == push and (room is None or one.get("room") == room), timeout=timeout
        )

    async def closed(self, *, timeout: float = TIMEOUT) -> int:
        """Wait for the server to close; the close code."""
        async with asyncio.timeout(timeout):
            await asyncio.shield(self._reader)
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def disconnect_push(self, *, timeout: float = TIMEOUT) -> Message:
        """Wait for the server to close; the data of the `disconnect` push that must come last, with the same code."""
        code = await self.closed(timeout=timeout)
        last = self.received[-1]
        assert last["push"] == "disconnect"
        data: Message = last["data"]
        assert data["code"] == code
        assert data["reason"] == self.socket.close_reason
        return data

    async def settle(self) -> None:
        """Return when everything the server had written so far was received."""
        await self.call("ping")

    def pushes(self, push: str, room: str | None = None) -> list[Message]:
        return [one for one in self.received if one.get("push") == push and (room is None or one["room"] == room)]

    # The client's side of the protocol

    async def _read(self) -> None:
        try:
            async for data in self.socket:
                assert isinstance(data, str) == (self.codec == "json"), "the other codec's kind of frame"
                message: Message = (
                    json.loads(data) if isinstance(data, str) else msgspec.msgpack.decode(data, type=dict[str, Any])
                )
                self._apply(message)
                self.received.append(message)
                self._changed.set()
        except websockets.ConnectionClosedError:
            pass
        finally:
            self._ended = True
            self._changed.set()

    def _apply(self, message: Message) -> None:
        if "push" in message:
            rejoined = {fields["room"] for fields in self._joining.values() if fields["room"] in self.positions}
            if "seq" in message and message["room"] not in rejoined:
                self._serve(message)
            return
        asked = self._joining.pop(message["id"], {})
        ok = message.get("ok") or {}
        joined = [ok] if "epoch" in ok and "messages" in ok else []
        joined += [one for one in ok.get("rooms", {}).values() if "epoch" in one]
        for result in joined:
            room = result["room"]
            if result.get("recovered") and "since" in asked:
                self.positions[room] = asked["since"]["seq"]
            elif not result.get("recovered"):
                # A fresh beginning, with some of the past in front of it.
                self.served[room] = []
                self.positions.pop(room, None)
            for push in result["messages"]:
                self._serve(push)
            self.positions[room] = max(result["seq"], self.positions.get(room, 0))
            self.epochs[room] = result["epoch"]

    def _serve(self, push: Message) -> None:
        room, seq = push["room"], push["seq"]
        held = self.positions.get(room)
        if held is not None and push["prev"] > held:
            self.gaps.append(push)
        if held is not None and seq <= held:
            self.repeats.append(push)
            return
        self.positions[room] = seq
        self.served.setdefault(room, []).append(seq)


@contextlib.asynccontextmanager
async def opened(
    url: str, codec: str | None = "json", *, origin: str | None = None, subprotocols: list[str] | None = None, **kw: Any
) -> AsyncIterator[WireClient]:
    """A client on an open socket that has not sent `connect` yet; closed at the end. `codec` None offers none."""
    offered = subprotocols if subprotocols is not None else [f"ksmp.v1.{codec}"] if codec else []
    async with websockets.connect(
        url,
        subprotocols=[Subprotocol(name) for name in offered] or None,
        origin=origin,  # type: ignore[arg-type]
        max_size=None,
        max_queue=None,
        proxy=None,
        **kw,
    ) as socket:
        chosen = (socket.subprotocol or "ksmp.v1.json").removeprefix("ksmp.v1.")
        yield WireClient(socket, chosen)


@contextlib.asynccontextmanager
async def connected(
    url: str, token: str, codec: str = "json", *, rooms: dict[str, Any] | None = None, **kw: Any
) -> AsyncIterator[WireClient]:
    """A client that has connected; at its end it must have seen no gap and no repeat."""
    async with opened(url, codec, **kw) as client:
        await client.connect(token, **({"rooms": rooms} if rooms is not None else {}))
        yield client
        assert client.gaps == []
        assert client.repeats == []
