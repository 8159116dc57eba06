"""The route of archives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import PathParameter
from litestar.response import Stream

from gateway.auth.policy import roles
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.exports.archives import Archives
from modules.assignments.exports.file_names import safe_name

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
TEACHERS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
ZIP: Final = "application/zip"


@dataclass
class ArchiveOperation(Operation):
    """An operation whose answer is bytes."""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        response.content[ZIP] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))


# It is compressed, and is never the same twice.
@get(
    "/{id:str}/archive",
    policy=TEACHERS,
    media_type=ZIP,
    operation_class=ArchiveOperation,
    conditional=False,
    uncompressed=True,
)
async def download_archive(
    id: Id, principal: NamedDependency[Principal], archives: NamedDependency[Archives]
) -> Stream:
    """All that was turned in, as a zip: a folder for each submission, and a manifest that names what is missing."""
    title, pieces = await archives.begun(principal, id)
    name = quote(safe_name(title, "submissions") + ".zip", safe="")
    headers = {"Content-Disposition": f"attachment; filename=\"submissions.zip\"; filename*=UTF-8''{name}"}
    return Stream(pieces, media_type=ZIP, headers=headers)


def router(archives: Archives) -> Router:
    handlers: list[Any] = [download_archive]
    return Router("/assignments", route_handlers=handlers, dependencies=services(archives=archives))
