"""A session's questions and polls, for its hosts to keep: as JSON, or as CSV for a spreadsheet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway import clock
from gateway.auth.policy import signed_in
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.live.messages import EXAMPLE, MADE, Member
from modules.live.policies import Id
from modules.live.room.consents import ConsentList, Consents
from modules.live.room.moderation import Moderated, Moderation
from modules.live.room.polls import CastVote, Poll, Polls
from modules.live.room.questions import Question, Questions
from modules.live.spreadsheet import SpreadsheetOperation, spreadsheet, written

HOSTS = signed_in(owner="the session's hosts")
Format = Annotated[Literal["json", "csv"], QueryParameter(description="What it is written as")]
QUESTION_HEAD: Final = ("id", "state", "votes", "asked_at", "anonymous", "asker", "text", "answer")
POLL_HEAD: Final = ("id", "question", "state", "opened_at", "closed_at", "voters", "option", "votes", "correct")


@dataclass
class QuestionsOperation(SpreadsheetOperation):
    sample = ",".join(QUESTION_HEAD)


@dataclass
class PollsOperation(SpreadsheetOperation):
    sample = ",".join(POLL_HEAD)


class QuestionRecord(msgspec.Struct, frozen=True):
    """A question as hosts may keep it; `asker` is null where the settings hide who asked anonymously."""

    question: Question
    anonymous: bool
    asker: Member | None


class QuestionList(msgspec.Struct, frozen=True):
    """The most upvoted first, then the oldest."""

    items: list[QuestionRecord]

    @classmethod
    def example(cls) -> QuestionList:
        asked = Question(
            EXAMPLE, "Why is it minus b?", "answered", 1769863800000, 12, answer="It comes from the square."
        )
        return cls([QuestionRecord(asked, anonymous=True, asker=Member("asha", "Asha"))])


class PollList(msgspec.Struct, frozen=True):
    """In the order of their opening, with their votes."""

    items: list[Poll]

    @classmethod
    def example(cls) -> PollList:
        quiz = Poll(
            EXAMPLE,
            "2 + 2?",
            ["3", "4"],
            "closed",
            1769863800000,
            quiz=True,
            closed_at=1769863860000,
            correct=[1],
            counts=[0, 1],
            voters=1,
        )
        return cls([quiz])


class ModerationList(msgspec.Struct, frozen=True):
    """The newest first, at most 500."""

    items: list[Moderated]

    @classmethod
    def example(cls) -> ModerationList:
        until = datetime(2026, 1, 31, 19, 0, tzinfo=UTC)
        mentor = Member("meera", "Meera")
        return cls([Moderated("asha", "kick", "session", "Shouting.", mentor, until, MADE)])


@dataclass(frozen=True)
class Export:
    """Reads what a host asks for."""

    staff_role: Callable[[Principal, str], Awaitable[str]]
    room_questions: Questions
    room_polls: Polls
    moderated: Moderation
    answered: Consents

    async def questions(self, principal: Principal, session: str) -> QuestionList:
        """Raises Refused `forbidden`, BadInput `not_found` and Unavailable."""
        await self.staff_role(principal, session)
        pairs = await self.room_questions.export(session)
        return QuestionList([QuestionRecord(one, one.author is None, asker) for one, asker in pairs])

    async def polls(self, principal: Principal, session: str) -> PollList:
        """Raises Refused `forbidden`, BadInput `not_found` and Unavailable."""
        await self.staff_role(principal, session)
        return PollList(await self.room_polls.results(session))

    async def ballots(self, principal: Principal, session: str, poll: str, span: Span) -> Page[CastVote]:
        """Raises the same, `not_found` also for a poll that is anonymous."""
        await self.staff_role(principal, session)
        return await self.room_polls.ballots(session, poll, span)

    async def moderation(self, principal: Principal, session: str) -> ModerationList:
        """Raises Refused `forbidden`, BadInput `not_found` and Unavailable."""
        await self.staff_role(principal, session)
        return ModerationList(await self.moderated.audit(session))

    async def consents(self, principal: Principal, session: str) -> ConsentList:
        """Raises Refused `forbidden`, BadInput `not_found` and Unavailable."""
        await self.staff_role(principal, session)
        return await self.answered.answers(session)


@get("/{id:str}/questions", policy=HOSTS, operation_class=QuestionsOperation)
async def questions(
    id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export], format: Format = "json"
) -> Response[QuestionList]:
    """The questions of a session, dismissed ones included."""
    found = await export.questions(principal, id)
    if format == "json":
        return Response(found)
    rows = (
        (
            one.question.id,
            one.question.state,
            one.question.votes,
            clock.from_ms(one.question.asked_at),
            one.anonymous,
            "" if one.asker is None else one.asker.name,
            one.question.text,
            one.question.answer or "",
        )
        for one in found.items
    )
    return spreadsheet(f"questions-{id}", written(QUESTION_HEAD, rows))


@get("/{id:str}/polls", policy=HOSTS, operation_class=PollsOperation)
async def polls(
    id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export], format: Format = "json"
) -> Response[PollList]:
    """The polls and quizzes of a session with their results."""
    found = await export.polls(principal, id)
    if format == "json":
        return Response(found)
    rows = (
        (
            poll.id,
            poll.question,
            poll.state,
            clock.from_ms(poll.opened_at),
            None if poll.closed_at is None else clock.from_ms(poll.closed_at),
            poll.voters,
            option,
            (poll.counts or [])[number],
            "" if poll.correct is None else number in poll.correct,
        )
        for poll in found.items
        for number, option in enumerate(poll.options)
    )
    return spreadsheet(f"polls-{id}", written(POLL_HEAD, rows))


@get("/{id:str}/polls/{poll:str}/ballots", policy=HOSTS)
async def ballots(
    id: Id,
    poll: Id,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    export: NamedDependency[Export],
) -> Page[CastVote]:
    """Who chose what in a poll that is not anonymous, by user id."""
    return await export.ballots(principal, id, poll, span)


@get("/{id:str}/moderation", policy=HOSTS)
async def moderation(id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export]) -> ModerationList:
    """Who was kicked, banned, let in again or promoted in a session, and by whom."""
    return await export.moderation(principal, id)


@get("/{id:str}/consents", policy=HOSTS)
async def consents(id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export]) -> ConsentList:
    """Who agrees to being recorded, who does not, and who is there without having agreed."""
    return await export.consents(principal, id)
