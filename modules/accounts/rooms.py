"""The rooms that accounts owns: one for each user, and one for each audience."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.contract import RoomKind
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role


async def _user_role(principal: Principal, id: str) -> str:
    if id != principal.id:
        raise forbidden("this room is another user's")
    return "owner"


async def _user_rooms_of(principal: Principal) -> Sequence[str]:
    return (principal.id,)


async def _audience_role(principal: Principal, id: str) -> str:
    if id != "all" and id not in set(Role):
        raise not_found("there is no such audience")
    if id not in await _audiences_of(principal):
        raise forbidden("you are not in this audience")
    return "listener"


async def _audiences_of(principal: Principal) -> Sequence[str]:
    return ("all", principal.role.value)


USER: Final = RoomKind(
    name="user", roles=("owner",), authorize=_user_role, joined_on_connect=_user_rooms_of, keeps_roles=False
)
ANNOUNCE: Final = RoomKind(
    name="announce",
    roles=("listener",),
    authorize=_audience_role,
    joined_on_connect=_audiences_of,
    keeps_roles=False,
)
