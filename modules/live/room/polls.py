"""Polls and quizzes: opened by a host, voted in once by each, closed by a host or by their time.

Nobody's vote in an anonymous poll can be told from what is stored once it is closed: the voter is a keyed hash of the
user's id, by a secret of that poll which is deleted as it closes, the votes with it. No push, export or snapshot tells
who chose what.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from gateway import clock
from gateway.contract import Command, Context, Delivery, Rate, SnapshotPart, Timer
from gateway.errors import BadInput, Conflict, invalid, not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.identifier import new_id
from gateway.text import checked
from modules.live.events import PollOpened
from modules.live.messages import Done, Name
from modules.live.room.parts import RoomParts
from modules.live.room.vote_counter import VoteCounter
from modules.live.rooms import session_room, staff_room, user_room
from modules.live.tables import VoteRow

PART: Final = "polls"
# What hosts see changes more often, and is locked after what all see.
STAFF_PART: Final = "staff_polls"
POLL: Final = "live.poll"
STAFF_POLL: Final = "live.staff_poll"
TALLY: Final = "live.poll_tally"
STAFF_TALLY: Final = "live.staff_tally"
VOTED: Final = "live.voted"
DUE: Final = "live.poll_due"

COUNTS: Final = """
    SELECT count(*) AS count, count(*) FILTER (WHERE state = 'open') AS open FROM live_poll WHERE session_id = $1
"""
OPEN: Final = """
    INSERT INTO live_poll (
        id, session_id, question, options, multiple, correct, anonymous, revote, shown, state, opened_at, closes_at,
        counts, secret
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11, array_fill(0, ARRAY[cardinality($4::text[])]), $12)
    RETURNING *
"""
# Who votes does not wait for who counts; who closes a poll waits until no vote in it is under way.
VOTES_IN: Final = "SELECT * FROM live_poll WHERE id = $1 AND session_id = $2 FOR KEY SHARE"
CLOSES: Final = "SELECT * FROM live_poll WHERE id = $1 AND session_id = $2 FOR UPDATE"
VOTE: Final = """
    INSERT INTO live_vote AS held (poll_id, voter, options) VALUES ($1, $2, $3)
    ON CONFLICT (poll_id, voter) DO UPDATE SET options = $3, rev = held.rev + 1 WHERE $4::boolean
    RETURNING rev
"""
# Every open poll whose votes are not told yet, whoever took them and has died since.
COUNT: Final = """
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
CLOSE: Final = """
    UPDATE live_poll SET state = 'closed', closed_at = $2, secret = NULL WHERE id = $1 RETURNING *
"""
READ: Final = """
    SELECT part.rev, poll.* FROM live_part AS part
    LEFT JOIN live_poll AS poll ON poll.session_id = part.session_id
    WHERE part.session_id = $1 AND part.part = $2
"""
# Those in which it can be said who voted: of what is anonymous only what is open.
KNOWN: Final = """
    SELECT id, anonymous, secret FROM live_poll WHERE session_id = $1 AND (NOT anonymous OR secret IS NOT NULL)
"""
VOTES_OF: Final = """
    SELECT poll_id, options FROM live_vote WHERE (poll_id, voter) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
# Rows come in the order of voting, in which voters might be known again.
SHRED: Final = "DELETE FROM live_vote WHERE poll_id = $1"
BY_VOTER: Final = Sort("voter", (VoteRow.voter,))
NAMED: Final = "SELECT FROM live_poll WHERE id = $1 AND session_id = $2 AND NOT anonymous"


class OpenPoll(msgspec.Struct, frozen=True):
    """`live.open_poll`: with `correct`, the numbers of the right options, it is a quiz.

    Options are numbered from 0. `shown` lets the room see the votes while it is open; `revote` lets who has voted
    change it; after `seconds` it closes by itself.
    """

    question: str
    options: list[str]
    multiple: bool = False
    correct: list[int] | None = None
    anonymous: bool = False
    revote: bool = False
    shown: bool = True
    seconds: float | None = None


class Vote(msgspec.Struct, frozen=True):
    """`live.vote`: the numbers of the chosen options."""

    poll: Name
    options: list[int]


class ClosePoll(msgspec.Struct, frozen=True):
    """`live.close_poll`."""

    poll: Name


class Poll(msgspec.Struct, frozen=True, omit_defaults=True):
    """A poll as somebody may know it.

    `correct` comes when it is closed, `counts` and `voters` when the votes may be seen; to hosts in the staff room both
    come at once.
    """

    id: str
    question: str
    options: list[str]
    state: Literal["open", "closed"]
    opened_at: int
    multiple: bool = False
    quiz: bool = False
    anonymous: bool = False
    revote: bool = False
    shown: bool = True
    closes_at: int | None = None
    closed_at: int | None = None
    correct: list[int] | None = None
    counts: list[int] | None = None
    voters: int | None = None


class PollChanged(msgspec.Struct, frozen=True):
    """The pushes `live.poll` and `live.staff_poll`."""

    rev: int
    poll: Poll


class Tally(msgspec.Struct, frozen=True):
    """The votes of a poll so far, by option, and how many have voted."""

    id: str
    counts: list[int]
    voters: int


class PollsCounted(msgspec.Struct, frozen=True):
    """The pushes `live.poll_tally` and `live.staff_tally`: of those polls where votes have come."""

    rev: int
    polls: list[Tally]


class PollsSnapshot(msgspec.Struct, frozen=True):
    """The snapshot parts `live.polls` and, of the staff room, `live.staff_polls`: in the order of their opening."""

    rev: int
    polls: list[Poll]


class Ballot(msgspec.Struct, frozen=True, omit_defaults=True):
    """The push `live.voted` to the user's own room; of an anonymous poll without the options, which nobody keeps."""

    rev: int
    session: str
    poll: str
    options: list[int] | None = None


class CastVote(msgspec.Struct, frozen=True):
    """What a user chose, as hosts may see it."""

    voter: str
    options: list[int]

    @classmethod
    def example(cls) -> CastVote:
        return cls("asha", [1])


class MyVotes(msgspec.Struct, frozen=True):
    """The snapshot part `live.my_votes`: the chosen options by poll, empty in one that is anonymous."""

    votes: dict[str, list[int]]


class Opened(msgspec.Struct, frozen=True):
    """The ok of `live.open_poll`."""

    rev: int
    poll: str


class PollDue(msgspec.Struct, frozen=True):
    """What the timer of a poll carries."""

    session: str
    poll: str


class Polls:
    """The commands of polls; all but the snapshots run in a transaction of the kernel's.

    Whoever changes a poll locks the part first, then the poll. The timer's row is never waited for here.
    """

    def __init__(self, parts: RoomParts, vote_counter: VoteCounter) -> None:
        self._parts = parts
        self._vote_counter = vote_counter
        self.commands = (
            Command(
                name="live.open_poll",
                rooms="session",
                role="cohost",
                request=OpenPoll,
                handler=self._open,
                row_first=True,
            ),
            Command(
                name="live.vote",
                rooms="session",
                role="viewer",
                request=Vote,
                handler=self._vote,
                rate=self._rate,
                row_first=True,
            ),
            Command(
                name="live.close_poll",
                rooms="session",
                role="cohost",
                request=ClosePoll,
                handler=self._close,
                row_first=True,
            ),
        )
        self.snapshots = (
            SnapshotPart(name="live.polls", rooms="session", read=self._read, shared=True),
            SnapshotPart(name="live.my_votes", rooms="session", read=self._read_mine),
            SnapshotPart(name="live.staff_polls", rooms="staff", read=self._read_staff),
        )
        self.timers = (Timer(name=DUE, payload=PollDue, handler=self._due),)

    async def tally(self, session: str) -> bool:
        """Tell the votes that are not told yet, in a transaction that holds the part; whether there were any."""
        rows = await self._parts.fetch(COUNT, session)
        if not rows:
            return False
        counted = sorted(rows, key=lambda row: str(row["id"]))
        every = [_tally(row) for row in counted]
        if shown := [_tally(row) for row in counted if row["shown"]]:
            told = PollsCounted(await self._parts.bump(session, PART), shown)
            await self._parts.kernel.rooms.publish_row(session_room(session), TALLY, told)
        told = PollsCounted(await self._parts.bump(session, STAFF_PART), every)
        await self._parts.kernel.rooms.publish_row(staff_room(session), STAFF_TALLY, told)
        return True

    async def results(self, session: str) -> list[Poll]:
        """Every poll of a session as hosts see it."""
        return (await self._all(session, staff=True)).polls

    async def ballots(self, session: str, poll: str, span: Span) -> Page[CastVote]:
        """Who chose what; raises BadInput `not_found` also where it is anonymous, and Unavailable."""
        if not await self._parts.fetch(NAMED, poll, session):
            raise not_found("there is no such poll in this session, or it is anonymous")
        with self._parts.kernel.database.guard():
            return await page_of(VoteRow.select().where(VoteRow.poll_id == poll), BY_VOTER, span, CastVote)

    async def _open(self, context: Context, request: OpenPoll) -> Opened:
        """Raises BadInput `invalid` and `too_large`, Conflict `live.too_many_polls`."""
        settings, session = self._parts.settings, context.room_id
        question = checked(request.question.strip(), settings.poll_characters, "question")
        options = [checked(option.strip(), settings.option_characters, "options") for option in request.options]
        if not 2 <= len(options) <= settings.poll_options or len(set(options)) < len(options):
            raise invalid(f"a poll has 2 to {settings.poll_options} different options", field="options")
        correct = None
        if request.correct is not None:
            correct = _chosen(request.correct, len(options), multiple=request.multiple, field="correct")
        if request.seconds is not None and not 1 <= request.seconds <= settings.poll_longest:
            raise invalid(f"a poll closes after 1 to {settings.poll_longest:g} seconds", field="seconds")
        await self._parts.lock(session, PART)
        (counts,) = await self._parts.fetch(COUNTS, session)
        if counts["count"] >= settings.polls or counts["open"] >= settings.polls_open:
            raise Conflict("there are too many polls already; close one", code="live.too_many_polls")
        id, now = new_id(), clock.now()
        closes_at = None if request.seconds is None else now + timedelta(seconds=request.seconds)
        rows = await self._parts.fetch(
            OPEN,
            id,
            session,
            question,
            options,
            request.multiple,
            correct,
            request.anonymous,
            request.revote,
            request.shown,
            now,
            closes_at,
            secrets.token_bytes(32) if request.anonymous else None,
        )
        rev = await self._tell(rows[0], context)
        await self._parts.kernel.events.publish(PollOpened(session, id, question))
        if closes_at is not None:
            await self._parts.kernel.schedules.at(DUE, id, closes_at, PollDue(session, id))
        return Opened(rev, id)

    async def _vote(self, context: Context, request: Vote) -> Done:
        """Raises BadInput `not_found` and `invalid`, Conflict `live.poll_closed` and `live.already_voted`.

        The room is told a moment later, together with others' votes.
        """
        session, user = context.room_id, context.principal.id
        rows = await self._parts.fetch(VOTES_IN, request.poll, session)
        if not rows:
            raise _none()
        poll = rows[0]
        if poll["state"] != "open" or (poll["closes_at"] is not None and poll["closes_at"] <= clock.now()):
            raise Conflict("this poll is closed", code="live.poll_closed")
        options = _chosen(request.options, len(poll["options"]), multiple=poll["multiple"], field="options")
        voted = await self._parts.fetch(VOTE, request.poll, _voter(poll, user), options, poll["revote"])
        if not voted:
            raise Conflict("you have voted in this poll already", code="live.already_voted")
        ballot = Ballot(voted[0]["rev"], session, request.poll, None if poll["anonymous"] else options)
        await self._parts.kernel.rooms.publish_row(user_room(user), VOTED, ballot)
        context.afterwards(lambda: self._vote_counter.schedule(session, PART, self.tally))
        return Done(ballot.rev)

    async def _close(self, context: Context, request: ClosePoll) -> Done:
        """Raises BadInput `not_found`; one that is closed stays so."""
        rev = await self._parts.lock(context.room_id, PART)
        rows = await self._parts.fetch(CLOSES, request.poll, context.room_id)
        if not rows:
            raise _none()
        if rows[0]["state"] == "closed":
            return Done(rev)
        return Done(await self._end(context.room_id, request.poll, context))

    async def _due(self, due: PollDue, delivery: Delivery) -> None:
        await self._parts.lock(due.session, PART)
        rows = await self._parts.fetch(CLOSES, due.poll, due.session)
        if rows and rows[0]["state"] == "open":
            await self._end(due.session, due.poll)

    async def _end(self, session: str, id: str, context: Context | None = None) -> int:
        # The last votes count, and are told with the poll's end, also when the gateway that was to count them has died.
        await self.tally(session)
        closed = (await self._parts.fetch(CLOSE, id, clock.now()))[0]
        if closed["anonymous"]:
            await self._parts.fetch(SHRED, id)
        return await self._tell(closed, context)

    async def _tell(self, row: Mapping[str, Any], context: Context | None = None) -> int:
        """Tell the room and the staff of a poll; without a context, of one that nobody has changed."""
        session, rooms = row["session_id"], self._parts.kernel.rooms
        rev = await self._parts.bump(session, PART)
        changed = PollChanged(rev, _poll(row))
        if context is None:
            await rooms.publish_row(session_room(session), POLL, changed)
        else:
            await context.publish_row(POLL, changed)
        whole = PollChanged(await self._parts.bump(session, STAFF_PART), _poll(row, staff=True))
        await rooms.publish_row(staff_room(session), STAFF_POLL, whole)
        return rev

    async def _all(self, session: str, *, staff: bool = False) -> PollsSnapshot:
        rows = await self._parts.fetch(READ, session, STAFF_PART if staff else PART)
        polls = [_poll(row, staff=staff) for row in rows if row["id"] is not None]
        return PollsSnapshot(rows[0]["rev"] if rows else 0, sorted(polls, key=lambda poll: (poll.opened_at, poll.id)))

    async def _read(self, context: Context) -> PollsSnapshot:
        return await self._all(context.room_id)

    async def _read_staff(self, context: Context) -> PollsSnapshot:
        return await self._all(context.room_id, staff=True)

    async def _read_mine(self, context: Context) -> MyVotes:
        user = context.principal.id
        polls = {poll["id"]: poll for poll in await self._parts.fetch(KNOWN, context.room_id)}
        rows = await self._parts.fetch(VOTES_OF, list(polls), [_voter(poll, user) for poll in polls.values()])
        return MyVotes(
            {row["poll_id"]: [] if polls[row["poll_id"]]["anonymous"] else list(row["options"]) for row in rows}
        )

    def _rate(self) -> Rate:
        return Rate(count=self._parts.settings.vote_rate_count, seconds=self._parts.settings.vote_rate_seconds)


def _poll(row: Mapping[str, Any], *, staff: bool = False) -> Poll:
    closed = row["state"] == "closed"
    counted = closed or staff or row["shown"]
    return Poll(
        row["id"],
        row["question"],
        list(row["options"]),
        row["state"],
        clock.to_ms(row["opened_at"]),
        multiple=row["multiple"],
        quiz=row["correct"] is not None,
        anonymous=row["anonymous"],
        revote=row["revote"],
        shown=row["shown"],
        closes_at=None if row["closes_at"] is None else clock.to_ms(row["closes_at"]),
        closed_at=None if row["closed_at"] is None else clock.to_ms(row["closed_at"]),
        correct=list(row["correct"]) if row["correct"] is not None and (closed or staff) else None,
        counts=list(row["counts"]) if counted else None,
        voters=row["voters"] if counted else None,
    )


def _tally(row: Mapping[str, Any]) -> Tally:
    return Tally(row["id"], list(row["counts"]), row["voters"])


def _voter(poll: Mapping[str, Any], user: str) -> str:
    """Who votes, as it is stored; an anonymous poll has to be open."""
    if not poll["anonymous"]:
        return user
    secret: bytes = poll["secret"]
    return hashlib.blake2b(user.encode(), key=secret, digest_size=16).hexdigest()


def _chosen(numbers: list[int], options: int, *, multiple: bool, field: str) -> list[int]:
    chosen = sorted(set(numbers))
    if not chosen or len(chosen) != len(numbers) or not 0 <= chosen[0] <= chosen[-1] < options:
        raise invalid(f"choose among the options 0 to {options - 1}, each once", field=field)
    if len(chosen) > 1 and not multiple:
        raise invalid("choose one option", field=field)
    return chosen


def _none() -> BadInput:
    return not_found("there is no such poll in this session")
