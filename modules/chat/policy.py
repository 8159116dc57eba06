"""How the chat of each session is run: its settings, and what they let a member say."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from msgspec import UNSET

from gateway import clock
from gateway.contract import Context, Kernel
from gateway.errors import Unavailable, invalid
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.links import has_link
from modules.chat.messages import Configure, Kind, Links, Mode, Revised
from modules.chat.pushes import SETTINGS, Settings
from modules.chat.settings import ChatSettings
from modules.chat.stale_cache import StaleCache
from modules.live.facade import session_facts
from modules.programs.facade import enrolled

log = structlog.get_logger(__name__)

# What slow mode takes away for a while, and the name by which the kernel knows it.
SLOWED: Final = ("chat.send",)
SLOW: Final = "chat.slow_mode"
# Modes, slow mode and links are for those below this role.
SPEAKER: Final = "speaker"
HOST: Final = "cohost"
# Waits that are over are looked for when there are so many.
WAITS: Final = 10_000

READ: Final = "SELECT mode, slow_seconds, links, rev FROM chat_room WHERE session_id = $1"
LOCK: Final = """
    INSERT INTO chat_room (session_id) VALUES ($1) ON CONFLICT (session_id) DO UPDATE SET session_id = $1
    RETURNING mode, slow_seconds, links, rev
"""
WRITE: Final = "UPDATE chat_room SET mode = $2, slow_seconds = $3, links = $4, rev = $5 WHERE session_id = $1"
WAIT: Final = """
    INSERT INTO chat_wait (session_id, user_id, until) VALUES ($1, $2, $3)
    ON CONFLICT (session_id, user_id) DO UPDATE SET until = $3
"""
RELEASED: Final = "DELETE FROM chat_wait WHERE session_id = $1 RETURNING user_id, until"


class ChatPolicy:
    """The settings of each session. A message goes by what was known a second ago, also while the database is away."""

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._known: StaleCache[str, Settings] = StaleCache(self.read, settings.fresh)
        self._enrolled: StaleCache[tuple[str, str], bool] = StaleCache(self._ask_enrolled, settings.enrolled_fresh)
        # When who may send again, by the monotonic clock, until the kernel knows it too.
        self._waits: dict[tuple[str, str], float] = {}

    async def read(self, session: str) -> Settings:
        """As the database has them; raises Unavailable."""
        for row in await self._kernel.database.fetch(READ, session):
            return _settings(row)
        return Settings()

    async def configure(self, context: Context, request: Configure) -> Revised:
        """Change the settings, in the caller's transaction; what is so already has no new revision.

        Raises BadInput `invalid` or Unavailable.
        """
        if request.slow_seconds is not UNSET and request.slow_seconds > self._settings.slow_most:
            raise invalid(f"slow mode may take at most {self._settings.slow_most} s", field="slow_seconds")
        (row,) = await self._kernel.database.fetch(LOCK, context.room_id)
        before = _settings(row)
        said = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not UNSET}
        after = msgspec.structs.replace(before, **said)
        if after == before:
            return Revised(before.rev)
        after = msgspec.structs.replace(after, rev=before.rev + 1)
        await self._kernel.database.fetch(
            WRITE, context.room_id, after.mode.value, after.slow_seconds, after.links.value, after.rev
        )
        if after.slow_seconds < before.slow_seconds:
            await self._release(context)
        await context.publish_row(SETTINGS, after)
        await record(self._kernel.database, context.principal, "chat.configure", context.room_id, said)
        self._known.forget(context.room_id)
        return Revised(after.rev)

    async def check(self, context: Context, text: str, kind: Kind) -> Settings:
        """What holds now; raises Refused when it does not let this member say this."""
        try:
            rules = await self._known.get(context.room_id)
        except Unavailable:
            # The class goes on. Who was muted still is.
            log.warning("settings.unknown", session=context.room_id)
            rules = Settings()
        host, viewer = context.at_least(HOST), not context.at_least(SPEAKER)
        if rules.links is not Links.ALLOW and not (host and rules.links is Links.HOSTS) and has_link(text):
            raise errors.links()
        if viewer and rules.mode is Mode.QUESTIONS and kind is not Kind.QUESTION:
            raise errors.questions_only()
        subscribers = viewer and rules.mode is Mode.SUBSCRIBERS
        if subscribers and not await self._enrolled.get((context.room_id, context.principal.id)):
            raise errors.subscribers_only()
        return rules

    def take_turn(self, context: Context, rules: Settings) -> bool:
        """Whether slow mode counts this message; raises Limited `chat.slow_mode` while the member has to wait.

        The kernel refuses before this is asked, as soon as it knows. Two messages at once are told apart here.
        """
        if not rules.slow_seconds or context.at_least(SPEAKER):
            return False
        place, now = (context.room, context.principal.id), time.monotonic()
        left = self._waits.get(place, 0.0) - now
        if left > 0.0:
            raise errors.slow_mode(min(left, float(rules.slow_seconds)))
        if len(self._waits) > WAITS:
            self._waits = {key: until for key, until in self._waits.items() if until > now}
        self._waits[place] = now + rules.slow_seconds
        return True

    def give_turn_back(self, context: Context) -> None:
        """The message was not stored."""
        self._waits.pop((context.room, context.principal.id), None)

    async def wait(self, context: Context, rules: Settings) -> None:
        """After a message that counted: its author waits, on every node. Without the database this one alone knows."""
        user, until = context.principal.id, clock.now() + timedelta(seconds=rules.slow_seconds)
        try:
            async with self._kernel.database.transaction():
                await self._kernel.database.fetch(WAIT, context.room_id, user, until)
                await context.rooms.restrict(context.room, user, SLOWED, until, name=SLOW)
        except Unavailable:
            log.warning("wait.unknown", session=context.room_id)

    async def _release(self, context: Context) -> None:
        """Nobody waits any longer for what they were told to before."""
        now = clock.now()
        for row in await self._kernel.database.fetch(RELEASED, context.room_id):
            self._waits.pop((context.room, row["user_id"]), None)
            if row["until"] > now:
                await context.rooms.lift(context.room, row["user_id"], name=SLOW)

    async def _ask_enrolled(self, place: tuple[str, str]) -> bool:
        session, user = place
        with self._kernel.database.guard():
            facts = await session_facts(self._kernel.database, session)
            return facts is not None and await enrolled(self._kernel.database, user, facts.program_id)


def _settings(row: Mapping[str, Any]) -> Settings:
    return Settings(Mode(row["mode"]), row["slow_seconds"], Links(row["links"]), row["rev"])
