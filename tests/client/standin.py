"""A stand-in for a gateway that says what a test wants it to say."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, Self

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Message = dict[str, Any]


class Refusal(Exception):
    """Raised by an answer: the error reply."""

    def __init__(self, code: str, *, temporary: bool = False, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.error: Message = {"code": code, "message": f"because of {code}", "temporary": temporary}
        if retry_after is not None:
            self.error["retry_after"] = retry_after


class Silence(Exception):
    """Raised by an answer: no reply."""


class StandIn:
    """Speaks JSON. `answers` maps a command to what makes its ok; `received` are the commands in order."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Message], Any]] = {
            "connect": lambda command: self.welcome(),
            "join": lambda command: self.joined(command["room"]),
            "refresh": lambda command: {"expires_at": _now() + 3_600_000},
            "leave": lambda command: {},
            "ping": lambda command: {"server_time": _now()},
        }
        self.received: list[Message] = []
        self.sockets: list[ServerConnection] = []
        self._server: Server | None = None
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await serve(self._serve, "127.0.0.1", 0, subprotocols=["ksmp.v1.json"])  # type: ignore[list-item]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def welcome(self, *, ttl: float = 3600.0, rooms: Message | None = None, **limits: int) -> Message:
        return {
            "connection": f"c{len(self.sockets)}",
            "user": {"id": "asha", "name": "Asha", "role": "student"},
            "server_time": _now(),
            "expires_at": _now() + int(ttl * 1000),
            "limits": {"message_bytes": 16384, **limits},
            "rooms": rooms or {},
        }

    def joined(
        self, room: str, seq: int = 10, *, recovered: bool | None = None, messages: list[Message] | None = None
    ) -> Message:
        result = {
            "room": room,
            "epoch": "e",
            "seq": seq,
            "messages": messages or [],
            "members": 3,
            "can": ["chat.send"],
        }
        return result if recovered is None else {**result, "recovered": recovered}

    async def push(self, push: str, room: str | None = None, **fields: Any) -> None:
        """Send a push over the newest connection."""
        message = {"push": push, "data": {}, **fields}
        if room is not None:
            message["room"] = room
        await self.sockets[-1].send(msgspec.json.encode(message), text=True)

    async def close(self, code: int, reason: str = "", *, retry_ms: int | None = None) -> None:
        """End the newest connection; with `retry_ms` it says so before."""
        if retry_ms is not None:
            data = {"code": code, "reason": reason, "reconnect": code < 4500, "retry_ms": retry_ms}
            await self.push("disconnect", data=data)
        await self.sockets[-1].close(code, reason)

    async def got(self, cmd: str, count: int = 1, *, seconds: float = 5.0) -> list[Message]:
        """Wait until so many of these commands came; all of them."""
        async with asyncio.timeout(seconds):
            while True:
                found = [command for command in self.received if command["cmd"] == cmd]
                if len(found) >= count:
                    return found
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            async for data in socket:
                command = msgspec.json.decode(data, type=Message)
                self.received.append(command)
                try:
                    reply = {"ok": self.answers[command["cmd"]](command)}
                except Refusal as refusal:
                    reply = {"error": refusal.error}
                except Silence:
                    reply = {}
                if reply and "id" in command:
                    await socket.send(msgspec.json.encode({"id": command["id"], **reply}), text=True)
                self._changed.set()
        except ConnectionClosed:
            return


def durable(seq: int, prev: int, text: str = "") -> Message:
    """The fields of a chat message, for `push` and for a join's `messages`."""
    return {"push": "chat.message", "room": "session:a", "seq": seq, "prev": prev, "data": {"text": text}}


def in_turn(*values: Any) -> Callable[[Message], Any]:
    """Answers with each of these in turn, the last one again and again; an exception is raised."""
    turns = itertools.chain(values, itertools.repeat(values[-1]))

    def answer(command: Message) -> Any:
        value = next(turns)
        if isinstance(value, Exception):
            raise value
        return value

    return answer


def _now() -> int:
    return int(time.time() * 1000)
