"""How the chat of each room is run: its settings, and what they let a member say."""

from __future__ import annotations

import msgspec
import structlog
from msgspec import UNSET

from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import Unavailable, invalid
from gateway.stale_cache import StaleCache
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.first_settings import first_settings
from modules.chat.links import has_link
from modules.chat.messages import Attachments, Configure, Kind, Links, Mode, Revised
from modules.chat.pushes import SETTINGS, ChatRules
from modules.chat.repository import SettingsRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import MEMBERS, MODERATORS, RULES, named, rules_of
from modules.chat.settings import ChatSettings
from modules.chat.slow_mode import SlowMode

log = structlog.get_logger(__name__)


class ChatPolicy:
    """The settings of each room.

    A message is checked against a cache, which also serves while the database is away.
    """

    pushes = (SETTINGS,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, slow_mode: SlowMode, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._slow_most = settings.slow_most
        # Reads the list of suffixes now: a file is not read while a message waits.
        has_link("ksmp.example")
        self._slow_mode = slow_mode
        self._rows = SettingsRepository(kernel.database, first_settings(settings))
        self._known: StaleCache[str, ChatRules] = StaleCache(self._rows.find, settings.fresh)
        self._enrolled: StaleCache[tuple[str, str], bool] = StaleCache(self._ask_enrolled, settings.enrolled_fresh)

    @command("chat.configure", room=MODERATORS, rate="host_rate", row_first=True)
    async def configure(self, context: Context, request: Configure) -> Revised:
        """Change the settings, in the caller's transaction; a change that changes nothing has no new revision.

        Raises BadInput `invalid` or Unavailable.
        """
        if request.slow_seconds is not UNSET and request.slow_seconds > self._slow_most:
            raise invalid(f"slow mode may take at most {self._slow_most} s", field="slow_seconds")
        before = await self._rows.lock(context.room)
        asked = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not UNSET}
        after = msgspec.structs.replace(before, **asked)
        if after == before:
            return Revised(before.rev)
        after = msgspec.structs.replace(after, rev=before.rev + 1)
        await self._rows.write(context.room, after)
        if after.slow_seconds < before.slow_seconds:
            await self._slow_mode.end_waits(context)
        await context.publish_row(SETTINGS, after)
        details = {**asked, **named(context.room)}
        await record(self._kernel.database, context.principal, "chat.configure", context.room_id, details)
        # Before the transaction is over, whoever asks is given the old ones.
        context.afterwards(lambda: self._known.forget(context.room))
        return Revised(after.rev)

    @snapshot_part("chat.settings", room=MEMBERS, shared=True)
    async def current(self, context: Context) -> ChatRules:
        """The settings as the database has them; raises Unavailable."""
        return await self._rows.find(context.room)

    async def check_links(self, text: str, context: Context) -> None:
        """Raises Refused for a link that this member may not write in this room, whatever the text is for.

        Only rooms that have chat have settings. In others links are for everyone.
        """
        if context.room.partition(":")[0] not in RULES or not has_link(text):
            return
        links = (await self._rules(context)).links
        if links is not Links.ALLOW and not (links is Links.HOSTS and rules_of(context.room).moderates(context.role)):
            raise errors.links()

    async def check(self, context: Context, kind: Kind) -> ChatRules:
        """The settings that hold now; raises Refused when they do not let this member write a message of this kind."""
        rules = await self._rules(context)
        viewer = not rules_of(context.room).speaks(context.role)
        if viewer and rules.mode is Mode.QUESTIONS and kind is not Kind.QUESTION:
            raise errors.questions_only()
        subscribers = viewer and rules.mode is Mode.SUBSCRIBERS
        if subscribers and not await self._enrolled.get((context.room, context.principal.id)):
            raise errors.subscribers_only()
        return rules

    async def check_upload(self, room: str, user: str, role: str) -> None:
        """Raises Refused when a member with this role could not send a message with a file in the room now."""
        kind = rules_of(room)
        try:
            rules = await self._known.get(room)
        except Unavailable:
            rules = self._rows.first(room)
        check_attachments(rules, host=kind.moderates(role))
        subscribers = not kind.speaks(role) and rules.mode is Mode.SUBSCRIBERS
        if subscribers and not await self._enrolled.get((room, user)):
            raise errors.subscribers_only()

    async def _rules(self, context: Context) -> ChatRules:
        try:
            return await self._known.get(context.room)
        except Unavailable:
            # The class goes on. Mutes still hold, because the kernel keeps them.
            log.warning("settings.unknown", room=context.room)
            return self._rows.first(context.room)

    async def _ask_enrolled(self, place: tuple[str, str]) -> bool:
        return await self._rooms.subscribed(*place)


def check_attachments(rules: ChatRules, *, host: bool) -> None:
    """Raises Refused `chat.attachments` when these settings let this member post no files."""
    if rules.attachments is Attachments.BLOCK or (rules.attachments is Attachments.HOSTS and not host):
        raise errors.attachments()
