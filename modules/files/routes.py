"""The routes of files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from litestar import Request, Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIFormat, OpenAPIType, Operation, Schema
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from gateway.auth.policy import otherwise, roles, signed_in
from gateway.contract import Rate
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.files.content import Content
from modules.files.messages import BegunFile, FileUrl, FileView, NewFile, PartsState, PartsToSend, PartUrls
from modules.files.reading import BYTES, Reading, filename
from modules.files.scanning.rescans import Rescans
from modules.files.settings import FilesSettings
from modules.files.uploads import Uploads

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Token = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,2000}$")]
Only = Annotated[
    str | None, QueryParameter(pattern="^[a-z_]{1,40}[.][a-z_]{1,40}$", description="Only those of this purpose")
]
Rendition = Annotated[
    Literal["", "thumbnail", "page"],
    QueryParameter(description="A picture that was made of it, small or to be read, instead of the file itself"),
]
OWN: Final = signed_in(owner="they uploaded the file")
READERS: Final = signed_in(owner="they uploaded the file, or what holds it lets them read it")
# A browser that shows it in spite of all that is said runs nothing in it, and lets it reach nothing.
LOCKED: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


@dataclass
class BytesOperation(Operation):
    """An operation whose answer is bytes."""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        response.content[BYTES].schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)


async def begin_upload(
    data: JSONBody[NewFile],
    principal: NamedDependency[Principal],
    uploads: NamedDependency[Uploads],
    arrived_at: NamedDependency[datetime],
) -> Response[BegunFile]:
    """Begin the upload of a file, for a purpose that lets you. The bytes go to the bucket, not through here."""
    begun = await uploads.begin(principal, data, arrived_at)
    return Response(begun, status_code=201, headers={"Location": f"/api/v1/files/{begun.file.id}"})


@get("/", policy=signed_in())
async def own_files(
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    purpose: Only = None,
) -> Page[FileView]:
    """The files that you uploaded, newest first."""
    return await reading.listed(principal, purpose, span)


@get("/{id:str}", policy=READERS)
async def read_file(id: Id, principal: NamedDependency[Principal], reading: NamedDependency[Reading]) -> FileView:
    """A file: its name, type and state."""
    # The name is the purpose's, and may change without the file. So its revision is no tag.
    return await reading.read(principal, id)


@get("/{id:str}/url", policy=READERS, conditional=False, conflict=True)
async def file_url(
    id: Id,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    rendition: Rendition = "",
) -> FileUrl:
    """Where the bytes of a file are for some minutes. Whether you may read it is asked anew each time."""
    return await reading.url(principal, id, rendition, str(request.base_url))


@post("/{id:str}/parts", policy=OWN, status_code=200)
async def sign_parts(
    id: Id, data: JSONBody[PartsToSend], principal: NamedDependency[Principal], uploads: NamedDependency[Uploads]
) -> PartUrls:
    """URLs for parts that you are about to send."""
    return await uploads.part_urls(principal, id, data)


@get("/{id:str}/parts", policy=OWN, conditional=False, conflict=True)
async def stored_parts(id: Id, principal: NamedDependency[Principal], uploads: NamedDependency[Uploads]) -> PartsState:
    """The parts that have arrived; after a break you send the others."""
    return await uploads.parts(principal, id)


@post("/{id:str}/complete", policy=OWN, status_code=200)
async def complete_upload(
    id: Id, principal: NamedDependency[Principal], uploads: NamedDependency[Uploads]
) -> Response[FileView]:
    """Have an upload checked that is in the bucket. It may be repeated until it is answered."""
    return tagged(await uploads.complete(principal, id))


@delete("/{id:str}", policy=OWN)
async def delete_file(id: Id, principal: NamedDependency[Principal], uploads: NamedDependency[Uploads]) -> None:
    """Delete a file that nothing holds, or break an upload off."""
    await uploads.delete(principal, id)


@post("/{id:str}/rescan", policy=roles(Role.ADMIN), status_code=200)
async def rescan_file(
    id: Id, principal: NamedDependency[Principal], rescans: NamedDependency[Rescans]
) -> Response[FileView]:
    """Have a file scanned again that was refused and that something holds, when the scanner was wrong."""
    return tagged(await rescans.scan_again(principal, id))


@get(
    "/content/{token:str}",
    policy=otherwise("the signature of a URL of the origin of files"),
    media_type=BYTES,
    conditional=False,
    operation_class=BytesOperation,
)
async def file_content(token: Token, request: Request[Any, Any, Any], content: NamedDependency[Content]) -> Stream:
    """The bytes of a file that a browser would run: always a download, from an origin of its own."""
    name, size, pieces = await content.open(token, request.base_url.netloc)
    headers = {
        "Content-Disposition": f"attachment; {filename(name)}",
        "Content-Security-Policy": LOCKED,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Length": str(size),
    }
    return Stream(pieces, media_type=BYTES, headers=headers)


def router(uploads: Uploads, reading: Reading, content: Content, rescans: Rescans, settings: FilesSettings) -> Router:
    rate = Rate(count=settings.begin_rate_count, seconds=settings.begin_rate_seconds)
    beginning = post("/", policy=signed_in(owner="the purpose lets them"), idempotent=True, rate=rate, missing=True)
    return Router(
        "/files",
        route_handlers=[
            beginning(begin_upload),
            own_files,
            read_file,
            file_url,
            sign_parts,
            stored_parts,
            complete_upload,
            delete_file,
            rescan_file,
            file_content,
        ],
        dependencies=services(uploads=uploads, reading=reading, content=content, rescans=rescans),
    )
