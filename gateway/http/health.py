"""Serves `/health/live` and `/health/ready` for load balancers and people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from gateway.auth.policy import anyone


class Health(msgspec.Struct, frozen=True):
    """`parts` says of each part `ok`, `starting`, `draining`, `failed` or `away`.

    `nats` is `refused` when NATS does not let the gateway hear all that it must hear. `log` is there while
    JetStream does not store pushes: `full`, or `away` when it does not answer.
    `processes` is there with `--workers`: whether each accepts and is ready.
    """

    status: Literal["ok", "degraded", "unavailable"]
    parts: dict[str, str]

    @classmethod
    def example(cls) -> Health:
        return cls("ok", {"gateway": "ok", "nats": "ok", "postgresql": "ok"})


AWAY: Final = Example(value={"status": "unavailable", "parts": {"gateway": "ok", "nats": "away", "postgresql": "ok"}})

DEAD: Final = Example(value={"status": "unavailable", "parts": {"nats": "away"}})

Check = Callable[[], Awaitable[dict[str, str]]]
# The parts for whose sake the process has to be started again; empty while it lives.
Dead = Callable[[], dict[str, str]]

# Without these parts the gateway is not ready; without the others it is degraded.
ESSENTIAL = ("gateway", "nats")


def routes(check: Check, dead: Dead) -> list[HTTPRouteHandler]:
    """Anyone may call both, because they say nothing that a stranger could use."""

    @get(
        "/health/live",
        policy=anyone(limited=False),
        sync_to_thread=False,
        tags=["health"],
        responses={503: ResponseSpec(Health, generate_examples=False, description="To be restarted", examples=[DEAD])},
    )
    def live() -> Response[Health]:
        """200 while the process works; 503 when it has been without NATS for `KSMP_BUS_DEAD_AFTER`: start it again."""
        if parts := dead():
            return Response(Health("unavailable", parts), status_code=503)
        return Response(Health("ok", {}))

    @get(
        "/health/ready",
        policy=anyone(limited=False),
        tags=["health"],
        responses={503: ResponseSpec(Health, generate_examples=False, description="Not ready", examples=[AWAY])},
    )
    async def ready() -> Response[Health]:
        """200 `ok`; 200 `degraded` without PostgreSQL, one of several processes, or a JetStream that stores; 503
        without NATS, while starting or draining, and while one of several processes that accept is not ready."""
        parts = await check()
        if any(parts.get(part) != "ok" for part in ESSENTIAL):
            return Response(Health("unavailable", parts), status_code=503)
        degraded = any(state != "ok" for state in parts.values())
        return Response(Health("degraded" if degraded else "ok", parts))

    return [live, ready]
