"""The route by which a client joins a session."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency

from gateway.principal import Principal
from modules.live.access.join import Admission, Admissions
from modules.live.policies import OF_PROGRAM, Id


# The answer is mostly a signed token, which does not compress.
@post("/{id:str}/join", policy=OF_PROGRAM, status_code=200, uncompressed=True)
async def join(
    id: Id,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    admissions: NamedDependency[Admissions],
    public_url: NamedDependency[str],
) -> Admission:
    """All that a client needs to take part: the room, your role in it, the socket, and where to watch."""
    base = public_url or str(request.base_url).rstrip("/")
    return await admissions.join(principal, id, f"ws{base.removeprefix('http')}/realtime")
