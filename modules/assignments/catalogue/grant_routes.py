"""The routes of extensions and accommodations."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal
from modules.assignments.catalogue.accommodations import Accommodations
from modules.assignments.catalogue.extensions import Extensions
from modules.assignments.catalogue.grant_messages import (
    AccommodationView,
    ExtensionView,
    NewAccommodation,
    NewExtension,
)
from modules.assignments.catalogue.routes import TEACHERS, Id, Program

User = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]


class ExtensionList(msgspec.Struct, frozen=True):
    """All extensions of an assignment, by user."""

    items: list[ExtensionView]

    @classmethod
    def example(cls) -> ExtensionList:
        return cls([ExtensionView.example()])


class AccommodationList(msgspec.Struct, frozen=True):
    """All accommodations of a program, by user."""

    items: list[AccommodationView]

    @classmethod
    def example(cls) -> AccommodationList:
        return cls([AccommodationView.example()])


@get("/{id:str}/extensions", policy=TEACHERS)
async def list_extensions(
    id: Id, principal: NamedDependency[Principal], extensions: NamedDependency[Extensions]
) -> ExtensionList:
    """Who has dates or attempts of their own for an assignment."""
    return ExtensionList(list(await extensions.listed(principal, id)))


@put("/{id:str}/extensions/{user:str}", policy=TEACHERS)
async def grant_extension(
    id: Id,
    user: User,
    data: JSONBody[NewExtension],
    principal: NamedDependency[Principal],
    extensions: NamedDependency[Extensions],
    if_match: NamedDependency[IfMatch],
) -> Response[ExtensionView]:
    """Give a student dates or attempts of their own, in place of those before; the ETag of none is "0"."""
    return tagged(await extensions.grant(principal, id, user, data, if_match))


@delete("/{id:str}/extensions/{user:str}", policy=TEACHERS)
async def revoke_extension(
    id: Id,
    user: User,
    principal: NamedDependency[Principal],
    extensions: NamedDependency[Extensions],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Take a student's extension back."""
    await extensions.revoke(principal, id, user, if_match)


@get("/accommodations", policy=TEACHERS, missing=True)
async def list_accommodations(
    program: Program, principal: NamedDependency[Principal], accommodations: NamedDependency[Accommodations]
) -> AccommodationList:
    """Who has days or attempts more in every assignment of a program."""
    return AccommodationList(list(await accommodations.listed(principal, program)))


@put("/accommodations/{program_id:str}/{user:str}", policy=TEACHERS)
async def grant_accommodation(
    program_id: Id,
    user: User,
    data: JSONBody[NewAccommodation],
    principal: NamedDependency[Principal],
    accommodations: NamedDependency[Accommodations],
    if_match: NamedDependency[IfMatch],
) -> Response[AccommodationView]:
    """Give a student days or attempts more in every assignment of a program; the ETag of none is "0"."""
    return tagged(await accommodations.grant(principal, program_id, user, data, if_match))


@delete("/accommodations/{program_id:str}/{user:str}", policy=TEACHERS)
async def revoke_accommodation(
    program_id: Id,
    user: User,
    principal: NamedDependency[Principal],
    accommodations: NamedDependency[Accommodations],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Take a student's accommodation back."""
    await accommodations.revoke(principal, program_id, user, if_match)


def router(extensions: Extensions, accommodations: Accommodations) -> Router:
    return Router(
        "/assignments",
        route_handlers=[
            list_extensions,
            grant_extension,
            revoke_extension,
            list_accommodations,
            grant_accommodation,
            revoke_accommodation,
        ],
        dependencies=services(extensions=extensions, accommodations=accommodations),
    )
