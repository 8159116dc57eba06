"""The routes of deliveries."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.auth.policy import roles
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.notify.sending.failures import Failures
from modules.notify.sending.messages import Delivery, Retried, RetryFailed, Word

ADMIN = roles(Role.ADMIN)


@get("/failed", policy=ADMIN)
async def list_failed(
    span: NamedDependency[Span],
    failures: NamedDependency[Failures],
    channel: Annotated[Word | None, QueryParameter(description="Only those of this channel")] = None,
    reason: Annotated[Word | None, QueryParameter(description="Only those that failed for this reason")] = None,
) -> Page[Delivery]:
    """Deliveries that have failed, the newest first."""
    return await failures.page(span, channel, reason)


@post("/{id:uuid}/retry", policy=ADMIN, status_code=200)
async def retry_delivery(
    id: FromPath[UUID], principal: NamedDependency[Principal], failures: NamedDependency[Failures]
) -> Retried:
    """Try a failed delivery again."""
    return await failures.retry(principal, id)


@post("/retry", policy=ADMIN, status_code=200)
async def retry_failed(
    data: JSONBody[RetryFailed], principal: NamedDependency[Principal], failures: NamedDependency[Failures]
) -> Retried:
    """Try failed deliveries of a channel again, as after a fault of its configuration; 10,000 at once."""
    return await failures.retry_many(principal, data)


def router(failures: Failures) -> Router:
    return Router(
        "/notify/deliveries",
        route_handlers=[list_failed, retry_delivery, retry_failed],
        dependencies=services(failures=failures),
    )
