"""A route's dependencies are resolved within the request's own task."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Litestar, get
from litestar.di import NamedDependency, Provide

from gateway.http.dependency_batches import resolve_in_turn


def first() -> Any:
    return asyncio.current_task()


def second() -> Any:
    return asyncio.current_task()


def pair(one: NamedDependency[Any], two: NamedDependency[Any]) -> Any:
    return (one, two)


@get("/tasks", sync_to_thread=False)
def handler(one: NamedDependency[Any], two: NamedDependency[Any], both: NamedDependency[Any]) -> bool:
    own = asyncio.current_task()
    return one is own and two is own and both == (own, own)


async def test_dependencies_need_no_tasks_of_their_own() -> None:
    functions = {"one": first, "two": second, "both": pair}
    given = {name: Provide(function, sync_to_thread=False) for name, function in functions.items()}
    app = Litestar([handler], dependencies=given, openapi_config=None, logging_config=None)
    resolve_in_turn(app)
    bodies = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        bodies.append(message.get("body"))

    scope: Any = {"type": "http", "method": "GET", "path": "/tasks", "raw_path": b"/tasks", "root_path": ""}
    scope |= {"query_string": b"", "headers": [], "scheme": "http", "state": {}, "client": None, "server": None}
    scope |= {"asgi": {"version": "3.0"}, "http_version": "1.1"}
    await app(scope, receive, send)
    assert bodies[-1] == b"true"
