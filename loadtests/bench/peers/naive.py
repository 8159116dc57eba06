"""The naive peer: a Litestar handler that awaits a send to each member in turn.

It checks no token and stores nothing. Run it with uvicorn: `uvicorn loadtests.bench.peers.naive:app`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Litestar, WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect


class Chat(msgspec.Struct):
    """A message of a client; `id` comes back when everyone was sent the text."""

    id: int
    text: str


class Message(msgspec.Struct):
    """A message to every member."""

    text: str


class Done(msgspec.Struct):
    """The acknowledgement; 0 is the one of entering."""

    id: int


MEMBERS: dict[int, WebSocket[Any, Any, Any]] = {}


@websocket("/")
async def room(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    MEMBERS[id(socket)] = socket
    try:
        await socket.send_text(_text(Done(0)))
        while True:
            chat = msgspec.json.decode(await socket.receive_text(), type=Chat)
            encoded = _text(Message(chat.text))
            for member in list(MEMBERS.values()):
                await _send(member, encoded)
            await socket.send_text(_text(Done(chat.id)))
    except WebSocketDisconnect:
        pass
    finally:
        MEMBERS.pop(id(socket), None)


async def _send(member: WebSocket[Any, Any, Any], encoded: str) -> None:
    try:
        await member.send_text(encoded)
    except (WebSocketDisconnect, RuntimeError):
        MEMBERS.pop(id(member), None)


def _text(struct: msgspec.Struct) -> str:
    return msgspec.json.encode(struct).decode()


app = Litestar([room], openapi_config=None)
