"""When a request came: the moment at which all of it had been read, before anything of ours could hold it up.

    @post("/{id:str}/turn-in", policy=…)
    async def turn_in(id: FromPath[str], arrived_at: NamedDependency[datetime]) -> Receipt: ...

For what has a deadline. A gateway that is busy takes a while until a handler runs, and nobody is late for that. The
head alone says nothing yet: somebody could send it in time, and what they wrote later behind it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request
from litestar.di import Provide

from gateway import clock


def dependencies() -> dict[str, Provide]:
    """`arrived_at: NamedDependency[datetime]` of a route that asks for it; in UTC."""
    return {"arrived_at": Provide(_arrived_at)}


async def _arrived_at(request: Request[Any, Any, Any]) -> datetime:
    # The rest of it may be on its way.
    await request.body()
    found = (request.scope.get("extensions") or {}).get(clock.ARRIVED_AT)
    # Another server than ours says nothing.
    return found if isinstance(found, datetime) else clock.now()
