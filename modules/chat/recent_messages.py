"""The newest messages, for members who join late."""

from __future__ import annotations

from gateway.contract import Context, Kernel, snapshot_part
from modules.chat.pushes import Recent
from modules.chat.reaction_repository import ReactionRepository
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import VERSIONS, post_of


class RecentMessages:
    """Messages come from the log, and their reactions from rows."""

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self._most = settings.recent
        self._reactions = ReactionRepository(kernel.database)

    @snapshot_part("chat.messages", room="session")
    async def recent(self, context: Context) -> Recent:
        """The room's newest messages with their reactions; raises Unavailable."""
        stored = await context.rooms.recent(context.room, self._most, VERSIONS)
        posts = sorted((post_of(one) for one in stored), key=lambda one: one.seq)
        seqs = [one.seq for one in posts]
        tallies = await self._reactions.tallies(context.room_id, seqs)
        mine = await self._reactions.of_user(context.room_id, seqs, context.principal.id)
        return Recent(tuple(posts), tuple(tallies), mine)
