"""The routes of client events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.auth.policy import anyone, signed_in
from gateway.client_network import network_of
from gateway.http.services import services
from gateway.principal import Principal
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.messages import EventTypes, Track, Tracking
from modules.analytics.tracking.tracker import Tracker


@get("/event-types", policy=signed_in())
async def list_event_types(event_types: NamedDependency[ClientEventTypes]) -> EventTypes:
    """The events that clients may send, each with the schema of its properties."""
    return event_types.listed


@post("/events", policy=anyone(), status_code=200)
async def track_events(
    request: Request[Any, Any, Any],
    data: JSONBody[Track],
    arrived_at: NamedDependency[datetime],
    visitor: NamedDependency[Principal | None],
    tracker: NamedDependency[Tracker],
) -> Response[Tracking]:
    """Take in events of the caller's screens, up to 500. The answer says of each what became of it.

    What is accepted is kept, and counts once however often it is sent. After an error or without an answer, send the
    same events again with the same ids and times, and a new `sent_at`.
    """
    address = network_of(request.client.host) if request.client is not None else "unknown"
    user_agent = request.headers.get("user-agent", "")
    return Response(await tracker.track(data, arrived_at, visitor, address, user_agent))


def router(event_types: ClientEventTypes, tracker: Tracker) -> Router:
    handlers = [list_event_types, track_events]
    return Router(
        "/analytics", route_handlers=handlers, dependencies=services(event_types=event_types, tracker=tracker)
    )
