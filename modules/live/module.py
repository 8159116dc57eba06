"""The live module: owner of `session` and `staff` rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from litestar import Router
from litestar.di import Provide

from gateway.errors import Unavailable
from gateway.module import Delivery, Kernel, Listener, Module, RoomKind, Timer
from gateway.principal import Principal
from modules.live import agenda, effects, events, register, routes, traces
from modules.live.calendars import Calendars
from modules.live.classroom import Classroom
from modules.live.departures import take_out
from modules.live.due import Clockwork
from modules.live.entrance import ROLES, Entrance
from modules.live.series import Series
from modules.live.sessions import Sessions
from modules.live.settings import LiveSettings
from modules.live.tables import Calendar, Promotion, Seat, Session
from modules.live.tables import Series as SeriesRow
from modules.live.timetable import CLOSE, OPEN, REMIND, Due
from modules.programs.events import PartLost

DEMO: Final = "demo"


class LiveModule(Module):
    name = "live"
    requires = ("programs",)
    settings_type = LiveSettings
    tables = (Session, Promotion, Seat, SeriesRow, Calendar, *register.TABLES)
    migrations = Path(__file__).parent / "migrations"
    emits = (
        events.SessionScheduled,
        events.SessionMoved,
        events.SessionNear,
        events.SessionCancelled,
        events.LobbyOpened,
        events.SessionStarted,
        events.SessionEnded,
        events.SessionRated,
        *effects.EVENTS,
    )

    def __init__(self) -> None:
        self._register = register.Register()
        self.rooms = (
            RoomKind(name="lobby", roles=("guest",), authorize=self._lobby_role, presence=True),
            RoomKind(
                name="session",
                roles=ROLES,
                authorize=self._role,
                archived=True,
                presence=True,
                on_join=self._register.enter,
                on_leave=self._register.leave,
            ),
            RoomKind(
                name="staff",
                roles=("host",),
                authorize=self._staff_role,
                archived=True,
                presence=True,
                on_join=self._register.enter_staff,
                on_leave=self._register.leave_staff,
            ),
        )
        self._classroom = Classroom(self._staff_role)
        self.commands = self._classroom.commands
        self.snapshots = (*self._classroom.snapshots, *self._register.snapshots)
        leaving = Listener(event=PartLost, name="live.leave", handler=self._on_part_lost)
        self.listens = (*self._classroom.listens, leaving)
        self.timers = (
            *self._classroom.timers,
            *self._register.timers,
            Timer(name=OPEN, payload=Due, handler=self._open),
            Timer(name=CLOSE, payload=Due, handler=self._close),
            Timer(name=REMIND, payload=Due, handler=self._remind),
        )
        self.routes = (
            Router(
                "/sessions",
                route_handlers=[
                    routes.listing,
                    routes.create,
                    routes.read,
                    routes.change,
                    routes.open_lobby,
                    routes.start,
                    routes.end,
                    routes.cancel,
                ],
                # Not a bound method: Litestar copies its handlers, with all that is bound to them.
                dependencies={"sessions": Provide(lambda: self._sessions, sync_to_thread=False)},
            ),
            self._classroom.routes,
            Router(
                "/series",
                route_handlers=[agenda.create_series, agenda.read_series, agenda.change_series, agenda.cancel_series],
                dependencies={"series": Provide(lambda: self._series, sync_to_thread=False)},
            ),
            Router(
                "/calendars",
                route_handlers=[agenda.address, agenda.end_address, agenda.feed],
                dependencies={
                    "calendars": Provide(lambda: self._calendars, sync_to_thread=False),
                    "public_url": Provide(lambda: self._public_url, sync_to_thread=False),
                },
            ),
            self._register.router,
        )
        self._entrance: Entrance | None = None
        self._sessions: Sessions | None = None
        self._kernel: Kernel | None = None
        self._series: Series | None = None
        self._calendars: Calendars | None = None
        self._clockwork: Clockwork | None = None
        self._public_url = ""

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._kernel = kernel
        settings = kernel.settings(LiveSettings)
        self._sessions = Sessions(kernel, settings)
        self._entrance = Entrance(kernel, settings)
        self._series = Series(kernel, settings, self._sessions)
        self._calendars = Calendars(kernel, settings)
        self._clockwork = Clockwork(kernel, self._sessions)
        self._public_url = settings.public_url.rstrip("/")
        async with self._classroom.running(kernel, settings), self._register.running(kernel, settings, self._sessions):
            yield

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        now = datetime.now(UTC)
        demo = Session(
            id=DEMO,
            program_id="demo",
            title="Demo class",
            mentor_id=people["mentor"].id,
            co_mentors=[],
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            # It runs for good: no timer knows of it.
            state="live",
            video="unavailable",
            started_at=now,
            created_at=now,
        )
        await Session.insert(demo).on_conflict(target=Session.id, action="DO NOTHING")
        return {"session": DEMO}

    async def _on_part_lost(self, event: PartLost, delivery: Delivery) -> None:
        if self._kernel is None:
            raise Unavailable("live has not started")
        await take_out(self._kernel, event)

    async def export(self, user: str) -> Mapping[str, Any]:
        kept = await self._register.export(user)
        return {**await traces.held(user), **{name: rows for name, rows in kept.items() if rows}}

    async def forget(self, user: str) -> Collection[str]:
        await self._register.forget(user)
        return await traces.forget(user)

    async def _role(self, principal: Principal, id: str) -> str:
        return await self._door.role(principal, id)

    async def _lobby_role(self, principal: Principal, id: str) -> str:
        return await self._door.lobby_role(principal, id)

    async def _staff_role(self, principal: Principal, id: str) -> str:
        return await self._door.staff_role(principal, id)

    async def _open(self, due: Due, delivery: Delivery) -> None:
        await self._clock.open(due)

    async def _close(self, due: Due, delivery: Delivery) -> None:
        await self._clock.close(due)

    async def _remind(self, due: Due, delivery: Delivery) -> None:
        await self._clock.remind(due)

    @property
    def _clock(self) -> Clockwork:
        if self._clockwork is None:
            raise Unavailable("live has not started")
        return self._clockwork

    @property
    def _door(self) -> Entrance:
        if self._entrance is None:
            raise Unavailable("live has not started")
        return self._entrance
