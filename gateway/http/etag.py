"""ETags that name an entity's revision, and `If-Match` on what changes one (RFC 9110, sections 8.8.3 and 13.1.1).

    @patch("/programs/{id:str}", policy=…)
    async def change(id: FromPath[str], data: JSONBody[Change], if_match: NamedDependency[IfMatch]) -> Response[View]:
        return tagged(await programs.change(id, data, if_match))

The service calls `if_match.check(row.rev)` where it has locked the row, so that nobody changes it in between.
"""

from __future__ import annotations

import re
from typing import Any, Final, Protocol, TypeVar

import msgspec
from litestar import Request
from litestar.di import Provide
from litestar.response import Response

from gateway.errors import BadInput, Code, invalid

HEADER: Final = "If-Match"
# A proxy that compresses makes a tag weak (`W/"3"`). The tag still names the revision.
TAG: Final = re.compile(r'(?:W/)?"([0-9]{1,18})"')
# It is also in the API's description, so it uses only what all dialects of expressions have.
PATTERN: Final = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'
LISTED: Final = re.compile(PATTERN)


class HasRevision(Protocol):
    """An entity whose `rev` rises with every change."""

    @property
    def rev(self) -> int: ...


T = TypeVar("T", bound=HasRevision)


class IfMatch(msgspec.Struct, frozen=True):
    """The revisions that a client has seen; None means `*`, any revision."""

    revisions: frozenset[int] | None

    def check(self, rev: int) -> None:
        """Raise BadInput `precondition_failed` when the entity has changed since."""
        if self.revisions is not None and rev not in self.revisions:
            raise BadInput(Code.PRECONDITION_FAILED, "it has changed since; read it again")


def etag(rev: int) -> str:
    """The ETag of a revision."""
    return f'"{rev}"'


def tagged(entity: T, *, status: int = 200, headers: dict[str, str] | None = None) -> Response[T]:
    """The entity with its ETag."""
    return Response(entity, status_code=status, headers={"ETag": etag(entity.rev), **(headers or {})})


def dependencies() -> dict[str, Provide]:
    """`if_match: NamedDependency[IfMatch]` of a route that asks for one; without the header it answers 428."""
    return {"if_match": Provide(_if_match, sync_to_thread=False)}


def _if_match(request: Request[Any, Any, Any]) -> IfMatch:
    text = request.headers.get(HEADER.lower())
    if text is None:
        raise BadInput(Code.PRECONDITION_REQUIRED, f"send the entity's ETag in {HEADER}")
    if not LISTED.fullmatch(text):
        raise invalid(f'{HEADER} must be "<revision>", a list of them, or *', field=HEADER)
    return IfMatch(None if text == "*" else frozenset(int(found) for found in TAG.findall(text)))
