"""What an API key may do, and in which rooms."""

from __future__ import annotations

import enum
from typing import Final

from gateway.errors import forbidden
from gateway.principal import ServicePrincipal
from gateway.protocol.names import room_name


class Scope(enum.StrEnum):
    """One right of an API key. The routes of the server API name the one they need."""

    PUBLISH = "rooms.publish"
    PRESENCE = "rooms.presence"
    HISTORY = "rooms.history"
    NOTIFY = "notifications.send"
    DISCONNECT = "users.disconnect"
    WEBHOOKS = "webhooks.manage"


# These need rooms.
IN_ROOMS: Final = frozenset({Scope.PUBLISH, Scope.PRESENCE, Scope.HISTORY})
# A room, or all rooms of a kind.
ROOMS: Final = r"^[a-z][a-z0-9_]{0,31}:(\*|[A-Za-z0-9_-]{1,64})$"


def check_room(service: ServicePrincipal, room: str) -> None:
    """Raises Refused `forbidden` for a room that the key does not name, and BadInput for one that is no name."""
    kind, _ = room_name(room)
    if room not in service.rooms and f"{kind}:*" not in service.rooms:
        raise forbidden(f"the key is not for the room {room}")
