"""Tracker: takes in client events from sockets and requests."""

from __future__ import annotations

from datetime import datetime

from gateway import clock
from gateway.contract import Context, Kernel, command
from gateway.errors import Code, Refused, invalid
from gateway.principal import Principal
from modules.analytics.consent.repository import ConsentRepository
from modules.analytics.intake.client_events import ClientEventIntake
from modules.analytics.intake.settings import TrackingSettings
from modules.analytics.tracking.bots import Bots
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.gathering import Gathering
from modules.analytics.tracking.judging import Judged, judge
from modules.analytics.tracking.messages import Track, Tracking


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
        judged = await self._judged(request, clock.now(), context.principal, context.principal.id, "")
        if judged.kept:
            await self._gathering.put(judged.kept)
        judged.count()
        return judged.answer

    async def track(
        self, request: Track, arrived_at: datetime, visitor: Principal | None, address: str, user_agent: str
    ) -> Tracking:
        """Take in events of one request. Without a token they are nobody's, and counted by the caller's address.

        Raises Refused `unauthenticated` where a deployment takes none of those, and BadInput `invalid` for too many.
        """
        if visitor is None and not self._anonymous:
            raise Refused(Code.UNAUTHENTICATED, "Authorization: Bearer <token> is missing")
        caller = f"address {address}" if visitor is None else visitor.id
        judged = await self._judged(request, arrived_at, visitor, caller, user_agent)
        if judged.kept:
            await self._intake.put(judged.kept)
        judged.count()
        return judged.answer

    async def _judged(
        self, request: Track, arrived_at: datetime, user: Principal | None, caller: str, user_agent: str
    ) -> Judged:
        if len(request.events) > self._most:
            raise invalid(f"there are {len(request.events)} events; send at most {self._most}", field="events")
        if request.sent_at.tzinfo is None:
            raise invalid("write the time with its zone, such as Z", field="sent_at")
        human = 0 if self._bots.named(user_agent) else self._bots.count(caller, len(request.events))
        # Without a choice events are stored, and nobody's.
        choice = None if user is None else (await self._consents.choices_of([user.id])).get(user.id)
        return judge(
            request,
            self._types,
            arrived_at,
            user_id=user.id if user is not None and choice else "",
            declined=choice is False,
            human=human,
        )
