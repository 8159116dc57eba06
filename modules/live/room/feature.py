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
from modules.live.room.parts import Desk
from modules.live.room.polls import BallotBox
from modules.live.room.promotions import Speakers
from modules.live.room.questions import QuestionBox
from modules.live.room.reactions import Applause
from modules.live.room.snapshot import Snapshots
from modules.live.room.vote_counter import Tallies
from modules.live.settings import RoomSettings

# The role of a user in a session's staff room; raises Refused and BadInput `not_found`.
StaffRole = Callable[[Principal, str], Awaitable[str]]


class Classroom:
    """Says what it offers before there is a kernel, and offers it while it is running."""

    def __init__(self, staff_role: StaffRole) -> None:
        self._desk = Desk()
        self._tallies = Tallies(self._desk)
        options = Options(self._desk)
        speakers = Speakers(self._desk)
        self.hands = hands = Hands(self._desk, speakers)
        self._consents = Consents(self._desk, hands, speakers)
        lobby = Lobby(self._desk)
        attention = Attention(self._desk, options)
        options.followed = {"lobby": lobby.follow, "attention": attention.follow}
        self._moderation = Moderation(self._desk, hands, speakers)
        self._questions = QuestionBox(self._desk, options, self._tallies)
        self._polls = BallotBox(self._desk, self._tallies)
        self._applause = Applause(self._desk)
        parts = (
            Snapshots(self._desk),
            options,
            hands,
            self._questions,
            self._polls,
            self._applause,
            self._moderation,
            lobby,
            attention,
            self._consents,
        )
        self.commands = tuple(command for part in parts for command in part.commands)
        self.snapshots = tuple(one for part in parts for one in part.snapshots)
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
        self._desk.start(kernel, settings, records=records)
        try:
            yield
        finally:
            await self._tallies.stop()
            await self._applause.stop()
