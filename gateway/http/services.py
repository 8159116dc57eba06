"""Hands the services of a module to its routes."""

from __future__ import annotations

from typing import Any

from litestar.di import Provide


def services(**given: Any) -> dict[str, Provide]:
    """Dependencies for a router: each handler that has a parameter of such a name gets the service.

    `Router("/polls", route_handlers=[…], dependencies=services(polls=polls))`. Litestar copies its handlers
    deeply, with all that is bound to them. It does not copy what a closure holds, so the service itself stays one.
    """
    return {name: Provide(_provider(service), sync_to_thread=False) for name, service in given.items()}


def _provider(service: Any) -> Any:
    return lambda: service
