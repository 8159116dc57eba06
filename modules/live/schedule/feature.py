"""The schedule, put together: series of sessions, and calendar feeds."""

from __future__ import annotations

from litestar import Router

from gateway.contract import Kernel
from gateway.http.services import services
from modules.live.schedule import routes
from modules.live.schedule.calendar_feed import CalendarFeeds
from modules.live.schedule.series import Series
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings


class ScheduleFeature:
    """Two groups of REST routes. The schedule has no commands."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions) -> None:
        self.routes = (
            Router(
                "/series",
                route_handlers=[
                    routes.create_series,
                    routes.read_series,
                    routes.change_series,
                    routes.cancel_series,
                ],
                dependencies=services(series=Series(kernel, settings, sessions)),
            ),
            Router(
                "/calendars",
                route_handlers=[routes.address, routes.end_address, routes.feed],
                dependencies=services(
                    feeds=CalendarFeeds(kernel.database, settings), public_url=settings.public_url.rstrip("/")
                ),
            ),
        )
