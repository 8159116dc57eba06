"""Tracker: takes in client events from sockets and requests."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from gateway import clock
from gateway.contract import Context, Kernel, command
from gateway.errors import Code, Refused, invalid
from gateway.principal import Principal
from modules.analytics.consent.repository import ConsentRepository
from modules.analytics.intake.client_events import ClientEventIntake
from modules.analytics.intake.settings import TrackingSettings
from modules.analytics.tracking.bots import Bots
from modules.analytics.tracking.event_time import Attempt
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.gathering import Gathering, Put
from modules.analytics.tracking.judging import Judging
from modules.analytics.tracking.messages import Track, Tracking

# Events that are read without a pause for other work of the process.
AT_ONCE: Final = 100


class Tracker:
    """Raises Unavailable when nothing can be kept now; the client sends the same events again, with their ids."""

    def __init__(
        self, kernel: Kernel, types: ClientEventTypes, intake: ClientEventIntake, settings: TrackingSettings
    ) -> None:
        self._types = types
        self._intake = intake
        self._most = settings.events_at_once
        self._anonymous = settings.anonymous
        self._consents = ConsentRepository(kernel.database)
        self._bots = Bots(settings.bot_words, settings.events_per_minute)
        self._gathering = Gathering(intake.put, seconds=settings.gather_seconds, most=settings.events_at_once)

    @command("analytics.track", room="user", role="owner", rate="track_rate")
    async def command_track(self, context: Context, request: Track) -> Tracking:
        """Take in events of the user's own socket. They go into the stream with those of other sockets."""
        user = context.principal
        judging = await self._judged(request, clock.now(), user, user.id, "")
        return await self._keep(judging, user.id, self._gathering.put)

    async def track(
        self, request: Track, arrived_at: datetime, visitor: Principal | None, address: str, user_agent: str
    ) -> Tracking:
        """Take in events of one request. Without a token they are nobody's, and counted by the caller's address.

        Raises Refused `unauthenticated` where a deployment takes none of those, and BadInput `invalid` for too many.
        """
        if visitor is None and not self._anonymous:
            raise Refused(Code.UNAUTHENTICATED, "Authorization: Bearer <token> is missing")
        caller = f"address {address}" if visitor is None else visitor.id
        judging = await self._judged(request, arrived_at, visitor, caller, user_agent)
        return await self._keep(judging, caller, self._intake.put)

    async def _keep(self, judging: Judging, caller: str, put: Put) -> Tracking:
        kept = judging.kept
        if kept:
            try:
                await put(kept)
            except BaseException:
                # They come again, and are no more than they were.
                self._bots.give_back(caller, len(kept))
                raise
        return judging.answer()

    async def _judged(
        self, request: Track, arrived_at: datetime, user: Principal | None, caller: str, user_agent: str
    ) -> Judging:
        if len(request.events) > self._most:
            raise invalid(f"there are {len(request.events)} events; send at most {self._most}", field="events")
        if request.sent_at.tzinfo is None:
            raise invalid("write the time with its zone, such as Z", field="sent_at")
        # Without a choice events are stored, and nobody's.
        choice = None if user is None else (await self._consents.choices_of([user.id])).get(user.id)
        whose = user.id if user is not None and choice else ""
        judging = Judging(self._types, Attempt(request.sent_at, arrived_at), whose)
        human = 0 if self._bots.named(user_agent) else self._bots.count(caller, len(request.events))
        if choice is False:
            judging.decline(request.events[:human])
        else:
            for start in range(0, human, AT_ONCE):
                judging.take(request.events[start : min(start + AT_ONCE, human)])
                await asyncio.sleep(0)
        judging.refuse_bots(request.events[human:])
        return judging
