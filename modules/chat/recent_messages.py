"""The newest messages, for members who join late."""

from __future__ import annotations

from gateway.contract import Context, Kernel, snapshot_part
from modules.chat.attachments import Attachments
from modules.chat.pushes import Recent
from modules.chat.reaction_repository import ReactionRepository
from modules.chat.room_kinds import MEMBERS
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import VERSIONS, post_of


class RecentMessages:
    """Messages come from the log, and their reactions and the states of their files from rows."""

    def __init__(self, kernel: Kernel, settings: ChatSettings, attachments: Attachments) -> None:
        self._most = settings.recent
        self._attachments = attachments
        self._reactions = ReactionRepository(kernel.database)

    @snapshot_part("chat.messages", room=MEMBERS, shared=True)
    async def messages(self, context: Context) -> Recent:
        """The room's newest messages; raises Unavailable."""
        stored = await context.rooms.recent(context.room, self._most, VERSIONS)
        posts = await self._attachments.refresh(sorted((post_of(one) for one in stored), key=lambda one: one.seq))
        return Recent(tuple(posts), (), {})

    @snapshot_part("chat.messages", room=MEMBERS, given="chat.messages")
    async def with_reactions(self, context: Context, value: Recent | None) -> Recent:
        """The messages with their reactions; raises Unavailable.

        No durable push tells of reactions, so these are read after the member has asked.
        """
        found = value or await self.messages(context)
        if context.seen_from:
            # What is shared is for all members; this one joined later.
            seen = tuple(post for post in found.messages if post.at >= context.seen_from)
            found = Recent(seen, (), {})
        if not found.messages:
            return found
        seqs = tuple(post.seq for post in found.messages)
        tallies = await self._reactions.tallies_together(context.room, seqs)
        # Whoever gives a reaction counts it in the same transaction.
        mine = await self._reactions.of_user(context.room, seqs, context.principal.id) if tallies else {}
        return Recent(found.messages, tuple(tallies), mine)
