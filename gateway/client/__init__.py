"""A client for tests, load generators and scripts: reconnects, resumes, and repeats what is safe to repeat.

Over a WebSocket, or where a network blocks those over server-sent events and HTTP.

async with Client("http://127.0.0.1:8000", token=token) as client:
    room = await client.join("session:demo", history=50)
    await room.command("chat.send", {"text": "Good morning"})
    async for event in room.events():
        match event:
            case Joined(recovered=False, messages=messages):
                ...  # show these in place of what was shown
            case Push(push="chat.message"):
                print(event.author.name, event.data["text"])
"""

from gateway.client.client import Client
from gateway.client.errors import ClientClosed, ClosedForGood, CommandFailed, NotConnected
from gateway.client.events import (
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
from gateway.client.room import Room
from gateway.protocol.messages import HistoryResult, Position, Push, User

__all__ = [
    "CanChanged",
    "Client",
    "ClientClosed",
    "Closed",
    "ClosedForGood",
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
