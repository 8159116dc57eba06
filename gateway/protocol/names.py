"""The form of names on the wire: rooms, commands, nonces, users."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.errors import invalid

MAX_ID: Final = 2**53 - 1

_KIND = r"[a-z][a-z0-9_]{0,31}"
_ROOM = re.compile(rf"({_KIND}):([A-Za-z0-9_-]{{1,64}})", re.ASCII)
_COMMAND = re.compile(rf"{_KIND}(\.[a-z][a-z0-9_]{{0,63}})?", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class RoomName(NamedTuple):
    """`<kind>:<id>`. Both parts are safe as a token of a NATS subject."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def room_name(text: str) -> RoomName:
    """Parse a room's name; raises BadInput `invalid`."""
    match = _ROOM.fullmatch(text)
    if match is None:
        raise invalid("room must be <kind>:<id>, the id of 1 to 64 characters from A-Z a-z 0-9 _ -")
    return RoomName(match[1], match[2])


def is_command(text: str) -> bool:
    return _COMMAND.fullmatch(text) is not None


def is_nonce(text: str) -> bool:
    return _NONCE.fullmatch(text) is not None


def user_id(text: str) -> str:
    """The id unchanged; raises BadInput `invalid` when it cannot be a user's id."""
    if not is_user_id(text):
        raise invalid("a user's id has 1 to 64 characters from A-Z a-z 0-9 _ -")
    return text


def is_user_id(text: str) -> bool:
    return _USER.fullmatch(text) is not None
