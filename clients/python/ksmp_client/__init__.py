"""Client of a KSMP gateway: it reconnects, resumes rooms, and repeats commands that are safe to repeat.

It uses a WebSocket. Where a network blocks WebSockets, it uses server-sent events and HTTP.

async with Client("http://127.0.0.1:8000", token=token) as client:
    room = await client.join("session:demo", history=50)
    await room.command("chat.send", {"text": "Good morning"})
    async for event in room.events():
        match event:
            case Joined(recovered=False, messages=messages):
                ...  # replace what is shown by these
            case Push(push="chat.message", author=Author(name=name), data={"text": text}):
                print(name, text)
"""

from ksmp_client.client import Client
from ksmp_client.codes import CloseCode, Code
from ksmp_client.errors import ClientClosed, ClosedForGood, CommandFailed, NotConnected
from ksmp_client.events import (
    CanChanged,
    Closed,
    Connected,
    Connecting,
    ConnectionState,
    Joined,
    Left,
    RoomEvent,
    Waiting,
)
from ksmp_client.messages import Author, HistoryResult, Position, Push, User
from ksmp_client.room import Room

__all__ = [
    "Author",
    "CanChanged",
    "Client",
    "ClientClosed",
    "CloseCode",
    "Closed",
    "ClosedForGood",
    "Code",
    "CommandFailed",
    "Connected",
    "Connecting",
    "ConnectionState",
    "HistoryResult",
    "Joined",
    "Left",
    "NotConnected",
    "Position",
    "Push",
    "Room",
    "RoomEvent",
    "User",
    "Waiting",
]
