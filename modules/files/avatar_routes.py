"""The routes of pictures of profiles."""

from __future__ import annotations

from litestar import Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Redirect

from gateway.auth.policy import signed_in
from gateway.http.services import services
from gateway.principal import Principal
from modules.files.avatars import Avatar, Avatars, NewAvatar
from modules.files.routes import Id


@put("/avatar", policy=signed_in(owner="they uploaded the file"))
async def choose_avatar(
    data: JSONBody[NewAvatar], principal: NamedDependency[Principal], avatars: NamedDependency[Avatars]
) -> Avatar:
    """Have your profile show a picture that you uploaded."""
    return await avatars.choose(principal, data.file_id)


@delete("/avatar", policy=signed_in())
async def remove_avatar(principal: NamedDependency[Principal], avatars: NamedDependency[Avatars]) -> None:
    """Take your picture out of your profile."""
    await avatars.remove(principal)


@get("/avatars/{id:str}", policy=signed_in(), status_code=302, conditional=False)
async def avatar(id: Id, avatars: NamedDependency[Avatars]) -> Redirect:
    """The picture of a profile: leads to where it is for some minutes."""
    return Redirect(await avatars.address(id), status_code=302)


def router(avatars: Avatars) -> Router:
    return Router(
        "/files",
        route_handlers=[choose_avatar, remove_avatar, avatar],
        dependencies=services(avatars=avatars),
    )
