"""What a late joiner is shown of chat: parts of `live.snapshot` and `live.staff_snapshot`."""

from __future__ import annotations

import msgspec

from gateway.contract import Context
from modules.chat.mutes import MuteList, Mutes
from modules.chat.pins import Pins
from modules.chat.policy import ChatPolicy
from modules.chat.pushes import MESSAGES, PinnedMessages, Post, Settings, Tally, post
from modules.chat.reactions import Reactions
from modules.chat.reports import OpenReports, Reports


class Recent(msgspec.Struct, frozen=True):
    """The newest messages by seq, what they were given, and which of that is the reader's own."""

    messages: tuple[Post, ...]
    reactions: tuple[Tally, ...]
    mine: dict[int, list[str]]


class Parts:
    """Reads them, each from its row; raises Unavailable."""

    def __init__(
        self,
        policy: ChatPolicy,
        pins: Pins,
        reactions: Reactions,
        mutes: Mutes,
        reports: Reports,
        recent: int,
    ) -> None:
        self._policy = policy
        self._pins = pins
        self._reactions = reactions
        self._mutes = mutes
        self._reports = reports
        self._recent = recent

    async def settings(self, context: Context) -> Settings:
        return await self._policy.read(context.room_id)

    async def pins(self, context: Context) -> PinnedMessages:
        return await self._pins.read(context)

    async def messages(self, context: Context) -> Recent:
        stored = await context.rooms.recent(context.room, self._recent, MESSAGES)
        posts = sorted((post(one) for one in stored), key=lambda one: one.seq)
        seqs = [one.seq for one in posts]
        tallies = await self._reactions.tallies(context.room_id, seqs)
        mine = await self._reactions.mine(context.room_id, seqs, context.principal.id)
        return Recent(tuple(posts), tuple(tallies), mine)

    async def mutes(self, context: Context) -> MuteList:
        return await self._mutes.read(context)

    async def reports(self, context: Context) -> OpenReports:
        return await self._reports.open(context)
