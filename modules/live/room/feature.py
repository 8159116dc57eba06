"""What happens in a session's room, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.contract import Kernel
from modules.live.room.attention.attention import Attention
from modules.live.room.consents.consents import Consents
from modules.live.room.export import routes
from modules.live.room.export.export import Export, StaffRole
from modules.live.room.hands.hands import Hands
from modules.live.room.lobby.lobby import Lobby
from modules.live.room.moderation.moderation import Moderation
from modules.live.room.options.options import Options
from modules.live.room.options.repository import OptionRepository
from modules.live.room.polls.polls import Polls
from modules.live.room.promotions.promotions import Promotions
from modules.live.room.questions.questions import Questions
from modules.live.room.reactions.reactions import Reactions
from modules.live.room.repository import PartRepository
from modules.live.room.snapshot.snapshot import RoomSnapshot
from modules.live.room.vote_counter import VoteCounter
from modules.live.settings import RoomSettings


class RoomFeature:
    """Every part of the room, with its commands, pushes, snapshot parts and timers."""

    def __init__(self, kernel: Kernel, settings: RoomSettings, staff_role: StaffRole, *, records: bool) -> None:
        """`records`: sessions can be recorded on this platform."""
        parts = PartRepository(kernel.database)
        chosen = OptionRepository(kernel.database, anonymous_questions=settings.anonymous_questions)
        promotions = Promotions(kernel, records=records)
        self.vote_counter = VoteCounter(kernel.database, parts, settings.tally_interval)
        self.hands = Hands(kernel, settings, parts, promotions)
        self.polls = Polls(kernel, settings, parts, self.vote_counter)
        self._reactions = Reactions(kernel, settings)
        questions = Questions(kernel, settings, parts, chosen, self.vote_counter)
        lobby, attention = Lobby(kernel, settings, parts), Attention(kernel, parts, chosen)
        consents = Consents(kernel, parts, self.hands, promotions, records=records)
        moderation = Moderation(kernel, settings, parts, self.hands, promotions, lobby)
        on_change = {"lobby": lobby.on_option, "attention": attention.on_option}
        self.features = (
            RoomSnapshot(kernel.database),
            Options(kernel, parts, chosen, on_change),
            self.hands,
            questions,
            self.polls,
            self._reactions,
            moderation,
            lobby,
            attention,
            consents,
        )
        self.routes = routes.router(Export(staff_role, questions, self.polls, moderation, consents))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End this gateway's counts and sums at the end."""
        try:
            yield
        finally:
            await self.vote_counter.stop()
            await self._reactions.stop()
