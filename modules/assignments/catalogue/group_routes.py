"""The routes of group sets."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.http.etag import IfMatch, tagged
from gateway.http.services import services
from gateway.principal import Principal
from modules.assignments.catalogue.group_messages import (
    GroupName,
    GroupSetView,
    ListedGroupSet,
    NewGroupSet,
    Place,
    Split,
)
from modules.assignments.catalogue.groups import Groups
from modules.assignments.catalogue.messages import PROGRAM
from modules.assignments.catalogue.routes import TEACHERS, Id, Program

User = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]


class GroupSetList(msgspec.Struct, frozen=True):
    """The group sets of a program."""

    items: list[ListedGroupSet]

    @classmethod
    def example(cls) -> GroupSetList:
        return cls([ListedGroupSet("01a2130d-48bf-7174-b972-596a06fb2370", PROGRAM, "Projects", 3)])


@get("/", policy=TEACHERS, missing=True)
async def list_group_sets(
    program: Program, principal: NamedDependency[Principal], group_sets: NamedDependency[Groups]
) -> GroupSetList:
    """The group sets of a program."""
    return GroupSetList(list(await group_sets.sets(principal, program)))


@post("/", policy=TEACHERS, idempotent=True, missing=True)
async def create_group_set(
    data: JSONBody[NewGroupSet], principal: NamedDependency[Principal], group_sets: NamedDependency[Groups]
) -> Response[GroupSetView]:
    """Make a group set without groups."""
    made = await group_sets.create(principal, data)
    return tagged(made, status=201, headers={"Location": f"/api/v1/assignments/group-sets/{made.id}"})


# Names of members change without it.
@get("/{id:str}", policy=TEACHERS, conditional=False)
async def read_group_set(
    id: Id, principal: NamedDependency[Principal], group_sets: NamedDependency[Groups]
) -> Response[GroupSetView]:
    """A group set with its groups, and who is in them."""
    return tagged(await group_sets.read(principal, id))


@patch("/{id:str}", policy=TEACHERS)
async def rename_group_set(
    id: Id,
    data: JSONBody[GroupName],
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> Response[GroupSetView]:
    """Give a group set another name."""
    return tagged(await group_sets.rename(principal, id, data, if_match))


@delete("/{id:str}", policy=TEACHERS)
async def delete_group_set(
    id: Id,
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Delete a group set that no assignment uses."""
    await group_sets.delete(principal, id, if_match)


@post("/{id:str}/groups", policy=TEACHERS)
async def add_group(
    id: Id,
    data: JSONBody[GroupName],
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> Response[GroupSetView]:
    """Add an empty group; with the ETag of the set."""
    return tagged(await group_sets.add(principal, id, data, if_match), status=201)


@patch("/{id:str}/groups/{group:str}", policy=TEACHERS)
async def rename_group(
    id: Id,
    group: Id,
    data: JSONBody[GroupName],
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> Response[GroupSetView]:
    """Give a group another name; with the ETag of the set."""
    return tagged(await group_sets.rename_group(principal, id, group, data, if_match))


@delete("/{id:str}/groups/{group:str}", policy=TEACHERS)
async def remove_group(
    id: Id,
    group: Id,
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Remove a group that has begun no work; with the ETag of the set."""
    await group_sets.remove_group(principal, id, group, if_match)


@put("/{id:str}/members/{user:str}", policy=TEACHERS)
async def move_member(
    id: Id,
    user: User,
    data: JSONBody[Place],
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> Response[GroupSetView]:
    """Put a student into a group, out of the one they are in; with the ETag of the set."""
    return tagged(await group_sets.move(principal, id, user, data.group_id, if_match))


@delete("/{id:str}/members/{user:str}", policy=TEACHERS)
async def remove_member(
    id: Id,
    user: User,
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> None:
    """Take a student out of their group; with the ETag of the set."""
    await group_sets.move(principal, id, user, None, if_match)


@post("/{id:str}/split", policy=TEACHERS, status_code=200)
async def split(
    id: Id,
    data: JSONBody[Split],
    principal: NamedDependency[Principal],
    group_sets: NamedDependency[Groups],
    if_match: NamedDependency[IfMatch],
) -> Response[GroupSetView]:
    """Put the students who are in no group into new groups, at random; with the ETag of the set."""
    return tagged(await group_sets.split(principal, id, data, if_match))


def router(groups: Groups) -> Router:
    return Router(
        "/assignments/group-sets",
        route_handlers=[
            list_group_sets,
            create_group_set,
            read_group_set,
            rename_group_set,
            delete_group_set,
            add_group,
            rename_group,
            remove_group,
            move_member,
            remove_member,
            split,
        ],
        dependencies=services(group_sets=groups),
    )
