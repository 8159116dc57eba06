"""The routes of preferences: a user's own."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, patch, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal
from modules.notify.preferences.messages import Mute, NewMute, Preferences, PreferencesChange
from modules.notify.preferences.preferences import PreferenceService

RoomId = Annotated[
    str, PathParameter(pattern="^[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_-]{1,64}$", description="`direct:<id>`")
]


# What is shown also depends on the profile's zone, and on what modules tell of.
@get("/preferences", policy=signed_in(), conditional=False)
async def read_preferences(
    principal: NamedDependency[Principal], preferences: NamedDependency[PreferenceService]
) -> Response[Preferences]:
    """What you hear of, by which channel and when."""
    return tagged(await preferences.read(principal.id))


@patch("/preferences", policy=signed_in())
async def change_preferences(
    data: JSONBody[PreferencesChange],
    principal: NamedDependency[Principal],
    preferences: NamedDependency[PreferenceService],
    if_match: NamedDependency[IfMatch],
) -> Response[Preferences]:
    """Change your language, your quiet hours or what comes by which channel."""
    return tagged(await preferences.change(principal.id, data, if_match))


@put("/mutes/{room:str}", policy=signed_in())
async def mute_room(
    room: RoomId,
    data: JSONBody[NewMute],
    principal: NamedDependency[Principal],
    preferences: NamedDependency[PreferenceService],
) -> Mute:
    """Hear nothing of a room any more, or until a time; the list in the app still shows it."""
    return await preferences.mute(principal.id, room, data)


@delete("/mutes/{room:str}", policy=signed_in())
async def unmute_room(
    room: RoomId, principal: NamedDependency[Principal], preferences: NamedDependency[PreferenceService]
) -> None:
    """Hear of a room again."""
    await preferences.unmute(principal.id, room)


def router(preferences: PreferenceService) -> Router:
    handlers = [read_preferences, change_preferences, mute_room, unmute_room]
    return Router("/notify", route_handlers=handlers, dependencies=services(preferences=preferences))
