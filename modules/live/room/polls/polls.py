"""Polls and quizzes: a host opens one, each user votes once, and a host or its time closes it.

Nothing that is stored after the end of an anonymous poll tells who voted (`voter.py`). No push, export or snapshot
tells who chose what in it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Delivery, Kernel, command, snapshot_part, timer
from gateway.errors import BadInput, invalid, not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.text import checked
from modules.accounts.facade import user_room
from modules.live.events import PollOpened
from modules.live.messages import Done
from modules.live.room.errors import already_voted, poll_closed, too_many_polls
from modules.live.room.polls.messages import (
    POLL,
    POLL_TALLY,
    STAFF_POLL,
    STAFF_TALLY,
    VOTED,
    Ballot,
    CastVote,
    ClosePoll,
    MyVotes,
    OpenedPoll,
    OpenPoll,
    Poll,
    PollChanged,
    PollDue,
    PollsCounted,
    PollsSnapshot,
    Tally,
    Vote,
)
from modules.live.room.polls.repository import CountedPoll, NewPoll, PollRepository, PollRow
from modules.live.room.polls.views import view, views
from modules.live.room.polls.voter import stored_voter
from modules.live.room.repository import PartRepository
from modules.live.room.vote_counter import VoteCounter
from modules.live.rooms import session_room, staff_room
from modules.live.settings import RoomSettings

PART: Final = "polls"
# What hosts see changes more often. It is locked after what the room sees.
STAFF_PART: Final = "staff_polls"
DUE: Final = "live.poll_due"


class Polls:
    """The polls of each session.

    Whoever changes a poll locks the part first, then the poll. Nothing here waits for the timer's row.
    """

    pushes = (POLL, STAFF_POLL, POLL_TALLY, STAFF_TALLY, VOTED)

    def __init__(
        self, kernel: Kernel, settings: RoomSettings, parts: PartRepository, vote_counter: VoteCounter
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._parts = parts
        self._vote_counter = vote_counter
        self._polls = PollRepository(kernel.database)

    @command("live.open_poll", room="session", role="cohost", row_first=True)
    async def open(self, context: Context, request: OpenPoll) -> OpenedPoll:
        """Raises BadInput `invalid` and `too_large`, Conflict `live.too_many_polls`."""
        id, session, now = new_id(), context.room_id, clock.now()
        poll = self._checked(await self._reviewed(request, context), id, session, now)
        await self._parts.lock(session, PART)
        counts = await self._polls.count(session)
        if counts.count >= self._settings.polls or counts.open >= self._settings.polls_open:
            raise too_many_polls()
        rev = await self._tell(await self._polls.open(poll), context)
        await self._kernel.events.publish(PollOpened(session, id, poll.question))
        if poll.closes_at is not None:
            await self._kernel.schedules.at(DUE, id, poll.closes_at, PollDue(session, id))
        return OpenedPoll(rev, id)

    @command("live.vote", room="session", role="viewer", rate="vote_rate", row_first=True)
    async def vote(self, context: Context, request: Vote) -> Done:
        """Raises BadInput `not_found` and `invalid`, Conflict `live.poll_closed` and `live.already_voted`.

        The room is told a moment later, together with other votes.
        """
        session, user = context.room_id, context.principal.id
        poll = await self._polls.hold_to_vote(request.poll, session)
        if poll is None:
            raise _no_poll()
        if poll.state != "open" or (poll.closes_at is not None and poll.closes_at <= clock.now()):
            raise poll_closed()
        options = _checked_options(request.options, len(poll.options), multiple=poll.multiple, field="options")
        rev = await self._polls.vote(poll.id, stored_voter(poll, user), options, again=poll.revote)
        if rev is None:
            raise already_voted()
        ballot = Ballot(rev, session, poll.id, None if poll.anonymous else options)
        await self._kernel.rooms.publish_row(user_room(user), VOTED, ballot)
        context.afterwards(lambda: self._vote_counter.schedule(session, PART, self.tally))
        return Done(rev)

    @command("live.close_poll", room="session", role="cohost", row_first=True)
    async def close(self, context: Context, request: ClosePoll) -> Done:
        """Closing a closed poll changes nothing. Raises BadInput `not_found`."""
        rev = await self._parts.lock(context.room_id, PART)
        poll = await self._polls.lock_to_close(request.poll, context.room_id)
        if poll is None:
            raise _no_poll()
        if poll.state == "closed":
            return Done(rev)
        return Done(await self._end(context.room_id, poll.id, context))

    @timer(DUE)
    async def close_due(self, due: PollDue, delivery: Delivery) -> None:
        await self._parts.lock(due.session, PART)
        poll = await self._polls.lock_to_close(due.poll, due.session)
        if poll is not None and poll.state == "open":
            await self._end(due.session, poll.id)

    @snapshot_part("live.polls", room="session", shared=True)
    async def polls(self, context: Context) -> PollsSnapshot:
        rev, polls = await self._polls.polls(context.room_id, PART)
        return PollsSnapshot(rev, views(polls))

    @snapshot_part("live.staff_polls", room="staff")
    async def staff_polls(self, context: Context) -> PollsSnapshot:
        rev, polls = await self._polls.polls(context.room_id, STAFF_PART)
        return PollsSnapshot(rev, views(polls, staff=True))

    @snapshot_part("live.my_votes", room="session", given="live.polls")
    async def my_votes(self, context: Context, value: PollsSnapshot | None) -> MyVotes:
        if value is not None and not value.polls:
            return MyVotes({})
        user = context.principal.id
        polls = {poll.id: poll for poll in await self._polls.votable(context.room_id)}
        votes = await self._polls.votes(list(polls), [stored_voter(poll, user) for poll in polls.values()])
        return MyVotes({vote.poll_id: [] if polls[vote.poll_id].anonymous else vote.options for vote in votes})

    async def tally(self, session: str) -> bool:
        """Push the votes that were not told yet, in a transaction that holds the part; whether there were any."""
        counted = await self._polls.count_votes(session)
        if not counted:
            return False
        if shown := [_tally(poll) for poll in counted if poll.shown]:
            told = PollsCounted(await self._parts.bump(session, PART), shown)
            await self._kernel.rooms.publish_row(session_room(session), POLL_TALLY, told)
        told = PollsCounted(await self._parts.bump(session, STAFF_PART), [_tally(poll) for poll in counted])
        await self._kernel.rooms.publish_row(staff_room(session), STAFF_TALLY, told)
        return True

    async def results(self, session: str) -> list[Poll]:
        """Every poll of a session as hosts see it."""
        _, polls = await self._polls.polls(session, STAFF_PART)
        return views(polls, staff=True)

    async def ballots(self, session: str, poll: str, span: Span) -> Page[CastVote]:
        """Who chose what. Raises BadInput `not_found`, also for an anonymous poll, and Unavailable."""
        if not await self._polls.is_named(poll, session):
            raise not_found("there is no such poll in this session, or it is anonymous")
        return await self._polls.ballots(poll, span)

    async def _reviewed(self, request: OpenPoll, context: Context) -> OpenPoll:
        """The poll as the filters let it pass."""
        review = self._kernel.filters.review_in_room
        options = [await review(option, context, field="options") for option in request.options]
        question = await review(request.question, context, field="question")
        return msgspec.structs.replace(request, question=question, options=options)

    def _checked(self, request: OpenPoll, id: str, session: str, now: datetime) -> NewPoll:
        settings = self._settings
        question = checked(request.question.strip(), settings.poll_characters, "question")
        options = [checked(option.strip(), settings.option_characters, "options") for option in request.options]
        if not 2 <= len(options) <= settings.poll_options or len(set(options)) < len(options):
            raise invalid(f"a poll has 2 to {settings.poll_options} different options", field="options")
        correct = None
        if request.correct is not None:
            correct = _checked_options(request.correct, len(options), multiple=request.multiple, field="correct")
        if request.seconds is not None and not 1 <= request.seconds <= settings.poll_longest:
            raise invalid(f"a poll closes after 1 to {settings.poll_longest:g} seconds", field="seconds")
        return NewPoll(
            id=id,
            session_id=session,
            question=question,
            options=options,
            multiple=request.multiple,
            correct=correct,
            anonymous=request.anonymous,
            revote=request.revote,
            shown=request.shown,
            opened_at=now,
            closes_at=None if request.seconds is None else now + timedelta(seconds=request.seconds),
            secret=secrets.token_bytes(32) if request.anonymous else None,
        )

    async def _end(self, session: str, id: str, context: Context | None = None) -> int:
        # The last votes count and are told with the poll's end, also when the gateway that was to count them has died.
        await self.tally(session)
        return await self._tell(await self._polls.close(id, clock.now()), context)

    async def _tell(self, row: PollRow, context: Context | None = None) -> int:
        """Push a poll to the room and to the staff room; without a context, as the act of nobody."""
        session, rooms = row.session_id, self._kernel.rooms
        changed = PollChanged(await self._parts.bump(session, PART), view(row))
        if context is None:
            await rooms.publish_row(session_room(session), POLL, changed)
        else:
            await context.publish_row(POLL, changed)
        whole = PollChanged(await self._parts.bump(session, STAFF_PART), view(row, staff=True))
        await rooms.publish_row(staff_room(session), STAFF_POLL, whole)
        return changed.rev


def _tally(poll: CountedPoll) -> Tally:
    return Tally(poll.id, poll.counts, poll.voters)


def _checked_options(numbers: Sequence[int], options: int, *, multiple: bool, field: str) -> list[int]:
    """The numbers in their order; raises BadInput `invalid`."""
    chosen = sorted(set(numbers))
    if not chosen or len(chosen) != len(numbers) or not 0 <= chosen[0] <= chosen[-1] < options:
        raise invalid(f"choose among the options 0 to {options - 1}, each once", field=field)
    if len(chosen) > 1 and not multiple:
        raise invalid("choose one option", field=field)
    return chosen


def _no_poll() -> BadInput:
    return not_found("there is no such poll in this session")
