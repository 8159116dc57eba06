"""How each peer's clients speak: what they send to enter and to chat, and what answers it.

A chat text begins with `@`, so that a delivery is told from everything else by `MARK` alone, in any dialect.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import msgspec

MARK: Final = b'"@'
# The beginning of a reply, which may hold texts too: those of a snapshot or of a replay.
REPLY: Final = b'{"id"'


class Client(Protocol):
    """The part of a socket that a dialect may use."""

    # The answers to its joins by room, the newest delivery, and how many other pushes it got.
    joined: Any
    latest: bytes
    pushed: int

    def write(self, payload: bytes) -> None: ...

    def number(self) -> int:
        """The next number for a command, from 1 on."""
        ...

    async def answer(self, key: int) -> Any:
        """Wait for what `settle` is given for this key. Raises TimeoutError, ConnectionError, RuntimeError."""
        ...

    def settle(self, key: int, value: Any = None, *, refused: str = "") -> None: ...

    def dismiss(self, seconds: float) -> None:
        """The server goes away and says when to come back."""
        ...


class Dialect(Protocol):
    """One peer's protocol, the same object for all sockets."""

    async def enter(self, client: Client, token: str) -> None:
        """Connect and join."""
        ...

    async def come_back(self, client: Client, token: str, before: Client) -> None:
        """Connect and join again, after the socket `before` has ended."""
        ...

    def chat(self, client: Client, text: str) -> int:
        """Send a text; the key of its acknowledgement."""
        ...

    def received(self, client: Client, payload: bytes) -> None:
        """Take a message that is no delivery."""
        ...


class KsmpDialect:
    """`ksmp.v1.json`."""

    def __init__(self, room: str) -> None:
        self._room = room

    async def enter(self, client: Client, token: str) -> None:
        welcome = await client.answer(self._command(client, cmd="connect", token=token))
        joined = await client.answer(self._command(client, cmd="join", room=self._room))
        client.joined = {**welcome["rooms"], self._room: joined}

    async def come_back(self, client: Client, token: str, before: Client) -> None:
        """Connect with the positions of all rooms, as clients do. Raises RuntimeError when a gap was not recovered."""
        rooms = {room: {"epoch": one["epoch"], "seq": one["seq"]} for room, one in before.joined.items()}
        if before.latest:
            rooms[self._room]["seq"] = msgspec.json.decode(before.latest)["seq"]
        welcome = await client.answer(self._command(client, cmd="connect", token=token, rooms=rooms))
        client.joined = welcome["rooms"]
        if lost := [room for room in rooms if client.joined[room].get("recovered") is not True]:
            raise RuntimeError(f"a return was not recovered: {lost}")

    def chat(self, client: Client, text: str) -> int:
        return self._command(client, cmd="chat.send", room=self._room, data={"text": text})

    def received(self, client: Client, payload: bytes) -> None:
        if payload.startswith(b'{"push":"disconnect"'):
            client.dismiss(msgspec.json.decode(payload)["data"]["retry_ms"] / 1000)
        if payload.startswith(b'{"push"'):
            client.pushed += 1
            return
        reply = msgspec.json.decode(payload)
        error = reply.get("error")
        client.settle(reply["id"], reply.get("ok"), refused="" if error is None else str(error))

    def _command(self, client: Client, **fields: Any) -> int:
        number = client.number()
        client.write(msgspec.json.encode({"id": number, **fields}))
        return number


class SocketIoDialect:
    """Socket.IO 5 over Engine.IO 4, on a bare WebSocket."""

    async def enter(self, client: Client, token: str) -> None:
        await client.answer(0)
        number = client.number()
        client.write(b'42%d["join"]' % number)
        await client.answer(number)

    async def come_back(self, client: Client, token: str, before: Client) -> None:
        await self.enter(client, token)

    def chat(self, client: Client, text: str) -> int:
        number = client.number()
        client.write(b'42%d["chat","%b"]' % (number, text.encode()))
        return number

    def received(self, client: Client, payload: bytes) -> None:
        if payload == b"2":
            client.write(b"3")
        elif payload.startswith(b"43"):
            client.settle(int(payload[2 : payload.index(b"[")]))
        elif payload.startswith(b"40"):
            client.settle(0)
        elif payload.startswith(b"0"):
            client.write(b"40")


class NaiveDialect:
    """The dialect of `peers/naive.py`."""

    async def enter(self, client: Client, token: str) -> None:
        await client.answer(0)

    async def come_back(self, client: Client, token: str, before: Client) -> None:
        await self.enter(client, token)

    def chat(self, client: Client, text: str) -> int:
        number = client.number()
        client.write(msgspec.json.encode({"id": number, "text": text}))
        return number

    def received(self, client: Client, payload: bytes) -> None:
        client.settle(msgspec.json.decode(payload)["id"])
