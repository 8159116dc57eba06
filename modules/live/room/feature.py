"""What happens in a session's room, put together: every part with its commands, pushes and timers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from litestar import Router

from gateway.contract import Kernel
from gateway.http.services import services
from gateway.principal import Principal
from modules.live.room import exports
from modules.live.room.attention import Attention
from modules.live.room.consents import Consents
from modules.live.room.hands import Hands
from modules.live.room.lobby import Lobby
from modules.live.room.moderation import Moderation
from modules.live.room.options import ChosenOptions, Options
from modules.live.room.parts import RoomParts
from modules.live.room.polls import Polls
from modules.live.room.promotions import Promotions
from modules.live.room.questions import Questions
from modules.live.room.reactions import Reactions
from modules.live.room.snapshot import Snapshots
from modules.live.room.vote_counter import VoteCounter
from modules.live.settings import RoomSettings

# The role of a user in a session's staff room; raises Refused and BadInput `not_found`.
StaffRole = Callable[[Principal, str], Awaitable[str]]


class RoomFeature:
    """Says what it offers before there is a kernel, and offers it while it is running."""

    def __init__(self, kernel: Kernel, settings: RoomSettings, staff_role: StaffRole, *, records: bool) -> None:
        parts = RoomParts(kernel, settings, records=records)
        self.vote_counter = VoteCounter(parts)
        self._reactions = Reactions(parts)
        chosen = ChosenOptions(parts)
        self.promotions = promotions = Promotions(parts)
        lobby, attention = Lobby(parts), Attention(parts, chosen)
        options = Options(parts, chosen, {"lobby": lobby.follow, "attention": attention.follow})
        self.hands = hands = Hands(parts, promotions)
        consents = Consents(parts, hands, promotions)
        moderation = Moderation(parts, hands, promotions)
        questions = Questions(parts, chosen, self.vote_counter)
        self.polls = polls = Polls(parts, self.vote_counter)
        self.features = (
            Snapshots(parts),
            options,
            hands,
            questions,
            polls,
            self._reactions,
            moderation,
            lobby,
            attention,
            consents,
        )
        self.routes = Router(
            "/sessions",
            route_handlers=[exports.questions, exports.polls, exports.ballots, exports.moderation, exports.consents],
            dependencies=services(export=exports.Export(staff_role, questions, polls, moderation, consents)),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self.vote_counter.stop()
            await self._reactions.stop()
