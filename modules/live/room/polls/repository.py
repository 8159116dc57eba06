"""The rows of polls and votes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.live.room.polls.messages import CastVote
from modules.live.room.repository import with_revision
from modules.live.tables import VoteRow


class PollRow(msgspec.Struct, frozen=True):
    """A poll. `counts` and `voters` are as last told; the votes themselves are the record."""

    id: str
    session_id: str
    question: str
    options: list[str]
    multiple: bool
    correct: list[int] | None
    anonymous: bool
    revote: bool
    shown: bool
    state: Literal["open", "closed"]
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None
    counts: list[int]
    voters: int
    secret: bytes | None


class NewPoll(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll begins with, in the order of the statement that writes it."""

    id: str
    session_id: str
    question: str
    options: list[str]
    multiple: bool
    correct: list[int] | None
    anonymous: bool
    revote: bool
    shown: bool
    opened_at: datetime
    closes_at: datetime | None
    secret: bytes | None


class PollCounts(msgspec.Struct, frozen=True):
    """How many polls a session has, and how many of them are open."""

    count: int
    open: int


class CountedPoll(msgspec.Struct, frozen=True):
    """A poll whose counts have changed."""

    id: str
    counts: list[int]
    voters: int
    shown: bool


class VotablePoll(msgspec.Struct, frozen=True):
    """A poll in which a user's vote can be found."""

    id: str
    anonymous: bool
    secret: bytes | None


class StoredVote(msgspec.Struct, frozen=True):
    poll_id: str
    options: list[int]


BY_VOTER: Final = Sort("voter", (VoteRow.voter,))

COUNT_POLLS: Final = """
    SELECT count(*) AS count, count(*) FILTER (WHERE state = 'open') AS open FROM live_poll WHERE session_id = $1
"""
OPEN: Final = """
    INSERT INTO live_poll (
        id, session_id, question, options, multiple, correct, anonymous, revote, shown, state, opened_at, closes_at,
        counts, secret
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11, array_fill(0, ARRAY[cardinality($4::text[])]), $12)
    RETURNING *
"""
HOLD_TO_VOTE: Final = "SELECT * FROM live_poll WHERE id = $1 AND session_id = $2 FOR KEY SHARE"
LOCK_TO_CLOSE: Final = "SELECT * FROM live_poll WHERE id = $1 AND session_id = $2 FOR UPDATE"
VOTE: Final = """
    INSERT INTO live_vote AS held (poll_id, voter, options) VALUES ($1, $2, $3)
    ON CONFLICT (poll_id, voter) DO UPDATE SET options = $3, rev = held.rev + 1 WHERE $4::boolean
    RETURNING rev
"""
COUNT_VOTES: Final = """
    UPDATE live_poll AS poll SET counts = counted.counts, voters = counted.voters
    FROM (
        SELECT id, (
            SELECT array_agg(coalesce(chosen.votes, 0) ORDER BY number)
            FROM generate_series(0, cardinality(options) - 1) AS number LEFT JOIN (
                SELECT option, count(*)::integer AS votes FROM live_vote, unnest(live_vote.options) AS option
                WHERE poll_id = open_poll.id GROUP BY option
            ) AS chosen ON chosen.option = number
        ) AS counts, (SELECT count(*)::integer FROM live_vote WHERE poll_id = open_poll.id) AS voters
        FROM live_poll AS open_poll WHERE session_id = $1 AND state = 'open'
    ) AS counted
    WHERE poll.id = counted.id AND (poll.counts, poll.voters) IS DISTINCT FROM (counted.counts, counted.voters)
    RETURNING poll.id, poll.counts, poll.voters, poll.shown
"""
CLOSE: Final = "UPDATE live_poll SET state = 'closed', closed_at = $2, secret = NULL WHERE id = $1 RETURNING *"
DELETE_VOTES: Final = "DELETE FROM live_vote WHERE poll_id = $1"
POLLS: Final = """
    SELECT part.rev, poll.* FROM live_part AS part
    LEFT JOIN live_poll AS poll ON poll.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = $2
"""
VOTABLE: Final = """
    SELECT id, anonymous, secret FROM live_poll WHERE session_id = $1 AND (NOT anonymous OR secret IS NOT NULL)
"""
VOTES: Final = """
    SELECT poll_id, options FROM live_vote WHERE (poll_id, voter) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
IS_NAMED: Final = "SELECT FROM live_poll WHERE id = $1 AND session_id = $2 AND NOT anonymous"


class PollRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, session: str) -> PollCounts:
        return msgspec.convert((await self._database.fetch(COUNT_POLLS, session))[0], PollCounts)

    async def open(self, poll: NewPoll) -> PollRow:
        return msgspec.convert((await self._database.fetch(OPEN, *msgspec.structs.astuple(poll)))[0], PollRow)

    async def hold_to_vote(self, id: str, session: str) -> PollRow | None:
        """A poll that nobody closes until the transaction ends. Voters do not wait for a count."""
        return await self._find(HOLD_TO_VOTE, id, session)

    async def lock_to_close(self, id: str, session: str) -> PollRow | None:
        """A poll in which no vote is under way, and nobody votes until the transaction ends."""
        return await self._find(LOCK_TO_CLOSE, id, session)

    async def vote(self, poll: str, voter: str, options: Sequence[int], *, again: bool) -> int | None:
        """The vote's revision; None when this voter has voted and may not `again`."""
        for row in await self._database.fetch(VOTE, poll, voter, options, again):
            return int(row["rev"])
        return None

    async def count_votes(self, session: str) -> list[CountedPoll]:
        """Count each open poll of the session; gives those whose counts were not told yet, by id."""
        rows = await self._database.fetch(COUNT_VOTES, session)
        return sorted((msgspec.convert(row, CountedPoll) for row in rows), key=lambda poll: poll.id)

    async def close(self, id: str, at: datetime) -> PollRow:
        """Close a poll and delete its secret. The votes of an anonymous one are deleted too.

        Rows come in the order of voting, by which voters might be told.
        """
        closed = msgspec.convert((await self._database.fetch(CLOSE, id, at))[0], PollRow)
        if closed.anonymous:
            await self._database.fetch(DELETE_VOTES, id)
        return closed

    async def polls(self, session: str, part: str) -> tuple[int, list[PollRow]]:
        """The revision of this part, which is the room's or the hosts', and every poll of the session."""
        return with_revision(await self._database.fetch(POLLS, session, part), PollRow, "id")

    async def votable(self, session: str) -> list[VotablePoll]:
        """The polls in which a user's vote can be found: of the anonymous ones only those that are open."""
        return [msgspec.convert(row, VotablePoll) for row in await self._database.fetch(VOTABLE, session)]

    async def votes(self, polls: Sequence[str], voters: Sequence[str]) -> list[StoredVote]:
        """The votes of each voter in the poll of the same place."""
        return [msgspec.convert(row, StoredVote) for row in await self._database.fetch(VOTES, polls, voters)]

    async def is_named(self, id: str, session: str) -> bool:
        """Whether the session has this poll and it is not anonymous."""
        return bool(await self._database.fetch(IS_NAMED, id, session))

    async def ballots(self, poll: str, span: Span) -> Page[CastVote]:
        with self._database.guard():
            return await page_of(VoteRow.select().where(VoteRow.poll_id == poll), BY_VOTER, span, CastVote)

    async def _find(self, statement: str, id: str, session: str) -> PollRow | None:
        for row in await self._database.fetch(statement, id, session):
            return msgspec.convert(row, PollRow)
        return None
