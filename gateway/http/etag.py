"""ETags that name an entity's revision, and `If-Match` on what changes one (RFC 9110, sections 8.8.3 and 13.1.1).

    @patch("/programs/{id:str}", policy=…)
    async def change(id: FromPath[str], data: JSONBody[Change], if_match: NamedDependency[IfMatch]) -> Response[View]:
        return tagged(await programs.change(id, data, if_match))

The service calls `if_match.check(row.rev)` where it has locked the row, so that nobody changes it in between.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from litestar.di import Provide
from litestar.params import HeaderParameter
from litestar.response import Response

from gateway.errors import BadInput, Code

# A proxy that compresses makes a tag weak (`W/"3"`); it still names the revision.
TAG: Final = re.compile(r'(?:W/)?"([0-9]{1,18})"')
LISTED: Final = re.compile(r'\s*(?:W/)?"[^"]*"\s*(?:,\s*(?:W/)?"[^"]*"\s*)*')


class Revised(Protocol):
    """An entity with a revision that rises with every change."""

    @property
    def rev(self) -> int: ...


T = TypeVar("T", bound=Revised)


class IfMatch(msgspec.Struct, frozen=True):
    """The revisions that a client has seen; None is `*`, any."""

    revisions: frozenset[int] | None

    def check(self, rev: int) -> None:
        """Raises BadInput `precondition_failed` when the entity is another one by now."""
        if self.revisions is not None and rev not in self.revisions:
            raise BadInput(Code.PRECONDITION_FAILED, "it has changed since; read it again")


def etag(rev: int) -> str:
    return f'"{rev}"'


def tagged(entity: T, *, status: int = 200, headers: dict[str, str] | None = None) -> Response[T]:
    """The entity with its ETag."""
    return Response(entity, status_code=status, headers={"ETag": etag(entity.rev), **(headers or {})})


def dependencies() -> dict[str, Provide]:
    """`if_match: NamedDependency[IfMatch]` of a route that asks for one; without the header it answers 428."""
    return {"if_match": Provide(_if_match, sync_to_thread=False)}


def _if_match(
    if_match_header: Annotated[
        str | None,
        HeaderParameter(
            name="If-Match", description='The ETag that was read, such as `"3"`; or `*`. Required.', max_length=1000
        ),
    ] = None,
) -> Any:
    if if_match_header is None:
        raise BadInput(Code.PRECONDITION_REQUIRED, "send the entity's ETag in If-Match")
    if if_match_header.strip() == "*":
        return IfMatch(None)
    if not LISTED.fullmatch(if_match_header):
        raise BadInput(Code.INVALID, 'If-Match must be "<revision>", a list of them, or *', field="If-Match")
    return IfMatch(frozenset(int(found) for found in TAG.findall(if_match_header)))
