"""A kind of room, and its owner's rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.principal import Principal


class Granted(msgspec.Struct, frozen=True):
    """A user's role in a room, and from when on they see it: in milliseconds since the Unix epoch.

    No replay and no page of the history shows them what was stored before. 0 is all of it.
    """

    role: str
    seen_from: int = 0


async def nobody(principal: Principal) -> Sequence[str]:
    """A room kind that no one is put into on connect."""
    return ()


# (who, the room's id, their role in it)
Watch = Callable[[Principal, str, str], None]


def unwatched(principal: Principal, id: str, role: str) -> None:
    """A room kind whose owner does not ask who comes and goes."""


@dataclass(frozen=True, kw_only=True)
class RoomKind:
    """A kind of room and its owner's rules.

    `roles` lists the roles a member may have, least first. `authorize(principal, id)` gives the one this
    user has in that room, or raises Refused or BadInput `not_found`. It gives a `Granted` for a user who sees only a
    part of the room. `joined_on_connect` gives the ids
    of the rooms that the server joins for a user by itself. `archived` keeps the rooms' pushes in
    PostgreSQL after the log has let them go; `presence` tells members who is there and who types.

    `on_join` is called when a connection or an event stream of this node becomes a member. `on_leave` is called once
    for it when the membership ends, whatever the reason; only a killed process does not call it. A user has one
    membership for each tab. Both run in the middle of a join: they do not wait, and what they raise changes nothing.

    The kernel keeps the role that `authorize` gave for `KSMP_GRANT_FRESH` seconds. Set `keeps_roles` to False when
    `authorize` goes by the principal and the id alone: it is then asked at each join, and nothing is kept.
    """

    name: str
    roles: Sequence[str]
    authorize: Callable[[Principal, str], Awaitable[str | Granted]]
    joined_on_connect: Callable[[Principal], Awaitable[Sequence[str]]] = nobody
    archived: bool = False
    presence: bool = False
    on_join: Watch = unwatched
    on_leave: Watch = unwatched
    keeps_roles: bool = True
