"""The rows of reactions: every statement, and what it gives.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gateway.batching import Batched
from gateway.contract import Database
from modules.chat.pushes import ReactionTally

ADD_REACTIONS: Final = """
    INSERT INTO chat_reaction (room, seq, emoji, user_id)
    SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING RETURNING seq
"""
REMOVE_REACTIONS: Final = """
    DELETE FROM chat_reaction USING unnest($2::bigint[], $3::text[], $4::text[]) AS back (seq, emoji, user_id)
    WHERE chat_reaction.room = $1 AND chat_reaction.seq = back.seq AND chat_reaction.emoji = back.emoji
    AND chat_reaction.user_id = back.user_id RETURNING chat_reaction.seq
"""
# Locks the tallies, in one order on every node, so that the next statement counts all that was committed before.
LOCK_TALLIES: Final = """
    INSERT INTO chat_tally (room, seq) SELECT $1, seq FROM unnest($2::bigint[]) AS seq ORDER BY seq
    ON CONFLICT (room, seq) DO UPDATE SET rev = chat_tally.rev + 1
"""
COUNT_REACTIONS: Final = """
    UPDATE chat_tally SET counts = (
        SELECT coalesce(json_object_agg(emoji, given), '{}') FROM (
            SELECT emoji, count(*) AS given FROM chat_reaction
            WHERE room = chat_tally.room AND seq = chat_tally.seq GROUP BY emoji
        ) AS counted
    ) WHERE room = $1 AND seq = ANY($2::bigint[])
"""
TALLIES: Final = "SELECT seq, counts, rev FROM chat_tally WHERE room = $1 AND seq = ANY($2::bigint[]) ORDER BY seq"
REACTIONS_OF_USER: Final = """
    SELECT seq, emoji FROM chat_reaction WHERE room = $1 AND seq = ANY($2::bigint[]) AND user_id = $3
    ORDER BY seq, emoji
"""
TAKE_TURN: Final = """
    INSERT INTO chat_tally_told AS told (room, at) VALUES ($1, clock_timestamp())
    ON CONFLICT (room) DO UPDATE SET at = clock_timestamp()
    WHERE told.at <= clock_timestamp() - make_interval(secs => $2) RETURNING true
"""
COUNTS: Final = msgspec.json.Decoder(dict[str, int])


class Reaction(msgspec.Struct, frozen=True, order=True):
    """One user's emoji on one message."""

    seq: int
    emoji: str
    user: str


class ReactionRepository:
    """The reactions to messages, and their counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tallies = Batched(self._tallies_of_many)

    async def add(self, room: str, reactions: Iterable[Reaction]) -> set[int]:
        """Write reactions; gives the seqs of the messages that did not have them."""
        return await self._change(ADD_REACTIONS, room, reactions)

    async def remove(self, room: str, reactions: Iterable[Reaction]) -> set[int]:
        """Delete reactions; gives the seqs of the messages that had them."""
        return await self._change(REMOVE_REACTIONS, room, reactions)

    async def count(self, room: str, seqs: Iterable[int]) -> None:
        """Count the reactions of these messages anew, each under a new revision."""
        messages = sorted(seqs)
        await self._database.fetch(LOCK_TALLIES, room, messages)
        await self._database.fetch(COUNT_REACTIONS, room, messages)

    async def tallies(self, room: str, seqs: Iterable[int]) -> list[ReactionTally]:
        """The counts of these messages by seq; those that were never given a reaction are left out."""
        rows = await self._database.fetch(TALLIES, room, list(seqs))
        return [ReactionTally(row["seq"], COUNTS.decode(row["counts"]), row["rev"]) for row in rows]

    async def tallies_together(self, room: str, seqs: tuple[int, ...]) -> list[ReactionTally]:
        """The same, read once for all who ask for the same messages at the same moment. In no transaction."""
        return await self._tallies((room, seqs))

    async def _tallies_of_many(self, asked: list[tuple[str, tuple[int, ...]]]) -> list[list[ReactionTally]]:
        found = {one: await self.tallies(*one) for one in dict.fromkeys(asked)}
        return [found[one] for one in asked]

    async def of_user(self, room: str, seqs: Sequence[int], user: str) -> dict[int, list[str]]:
        """The emojis that a user gave these messages."""
        found: dict[int, list[str]] = {}
        for row in await self._database.fetch(REACTIONS_OF_USER, room, list(seqs), user):
            found.setdefault(row["seq"], []).append(row["emoji"])
        return found

    async def take_turn(self, room: str, interval: float) -> bool:
        """Whether this node may push the room's counts now: nobody has for `interval` seconds."""
        return bool(await self._database.fetch(TAKE_TURN, room, interval))

    async def _change(self, statement: str, room: str, reactions: Iterable[Reaction]) -> set[int]:
        # In one order on every node, so that two batches do not deadlock.
        ordered = sorted(reactions)
        if not ordered:
            return set()
        seqs = [one.seq for one in ordered]
        emojis = [one.emoji for one in ordered]
        users = [one.user for one in ordered]
        return {row["seq"] for row in await self._database.fetch(statement, room, seqs, emojis, users)}
