"""What happens in a session's room, put together: every part with its commands, pushes and timers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from litestar import Router
from litestar.di import Provide

from gateway.contract import Kernel
from gateway.principal import Principal
from modules.live.room import exports
from modules.live.room.attention import Attention
from modules.live.room.consents import Consents
from modules.live.room.hands import Hands
from modules.live.room.lobby import Lobby
from modules.live.room.moderation import Moderation
from modules.live.room.options import Options
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

    def __init__(self, staff_role: StaffRole) -> None:
        self._parts = RoomParts()
        self._vote_counter = VoteCounter(self._parts)
        options = Options(self._parts)
        promotions = Promotions(self._parts)
        self.hands = hands = Hands(self._parts, promotions)
        self._consents = Consents(self._parts, hands, promotions)
        lobby = Lobby(self._parts)
        attention = Attention(self._parts, options)
        options.followed = {"lobby": lobby.follow, "attention": attention.follow}
        self._moderation = Moderation(self._parts, hands, promotions)
        self._questions = Questions(self._parts, options, self._vote_counter)
        self._polls = Polls(self._parts, self._vote_counter)
        self._reactions = Reactions(self._parts)
        features = (
            Snapshots(self._parts),
            options,
            hands,
            self._questions,
            self._polls,
            self._reactions,
            self._moderation,
            lobby,
            attention,
            self._consents,
        )
        self.commands = tuple(command for part in features for command in part.commands)
        self.snapshots = tuple(one for part in features for one in part.snapshots)
        self.timers = self._polls.timers
        self.routes = Router(
            "/sessions",
            route_handlers=[exports.questions, exports.polls, exports.ballots, exports.moderation, exports.consents],
            # Not bound methods: Litestar copies its handlers, with all that is bound to them.
            dependencies={
                "export": Provide(
                    lambda: exports.Export(staff_role, self._questions, self._polls, self._moderation, self._consents),
                    sync_to_thread=False,
                )
            },
        )

    @asynccontextmanager
    async def running(self, kernel: Kernel, settings: RoomSettings, *, records: bool) -> AsyncIterator[None]:
        self._parts.start(kernel, settings, records=records)
        try:
            yield
        finally:
            await self._vote_counter.stop()
            await self._reactions.stop()
