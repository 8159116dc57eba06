"""The rows of questions and upvotes."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database
from gateway.principal import Principal
from modules.live.room.repository import with_revision


class QuestionRow(msgspec.Struct, frozen=True):
    """A question. `votes` are as last told; the upvotes themselves are the record."""

    id: str
    session_id: str
    author_id: str
    author_name: str
    anonymous: bool
    text: str
    state: Literal["open", "answered", "dismissed"]
    answer: str | None
    asked_at: datetime
    votes: int


class QuestionCounts(msgspec.Struct, frozen=True):
    """A user's open questions, the session's without the dismissed ones, and all there ever were."""

    own: int
    count: int
    ever: int


class CountedQuestion(msgspec.Struct, frozen=True):
    """A question whose number of votes has changed."""

    id: str
    votes: int


class OwnQuestionRow(msgspec.Struct, frozen=True):
    """Whether a user asked a question, and whether they upvoted it."""

    id: str
    asked: bool
    upvoted: bool


class AnonymousQuestion(msgspec.Struct, frozen=True):
    id: str
    anonymous: bool
    author_id: str
    author_name: str


COUNT_QUESTIONS: Final = """
    SELECT count(*) FILTER (WHERE state = 'open' AND author_id = $2) AS own,
        count(*) FILTER (WHERE state <> 'dismissed') AS count, count(*) AS ever
    FROM live_question WHERE session_id = $1
"""
ASK: Final = """
    INSERT INTO live_question (id, session_id, author_id, author_name, anonymous, text, state, asked_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'open', $7) RETURNING *
"""
HOLD_OPEN: Final = "SELECT * FROM live_question WHERE id = $1 AND session_id = $2 FOR KEY SHARE"
LOCK_TO_SETTLE: Final = "SELECT * FROM live_question WHERE id = $1 AND session_id = $2 FOR UPDATE"
UPVOTE: Final = "INSERT INTO live_upvote (question_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
SETTLE: Final = "UPDATE live_question SET state = $2, answer = $3 WHERE id = $1 RETURNING *"
COUNT_UPVOTES: Final = """
    UPDATE live_question AS question SET votes = counted.votes
    FROM (
        SELECT question_id, count(*)::integer AS votes FROM live_upvote
        WHERE question_id IN (SELECT id FROM live_question WHERE session_id = $1 AND state = 'open')
        GROUP BY question_id
    ) AS counted
    WHERE question.id = counted.question_id AND question.votes <> counted.votes
    RETURNING question.id, question.votes
"""
SHOWN: Final = """
    SELECT part.rev, question.* FROM live_part AS part
    LEFT JOIN live_question AS question ON question.session_id = part.session_id AND question.state <> 'dismissed'
    WHERE part.session_id = $1 AND part.part = 'questions'
"""
ALL: Final = "SELECT * FROM live_question WHERE session_id = $1"
OWN: Final = """
    SELECT id, author_id = $2 AS asked, EXISTS (
        SELECT FROM live_upvote WHERE question_id = id AND user_id = $2
    ) AS upvoted
    FROM live_question WHERE session_id = $1 AND state <> 'dismissed'
"""
ANONYMOUS: Final = """
    SELECT id, anonymous, author_id, author_name FROM live_question
    WHERE session_id = $1 AND anonymous AND state <> 'dismissed'
"""


class QuestionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, session: str, user: str) -> QuestionCounts:
        return msgspec.convert((await self._database.fetch(COUNT_QUESTIONS, session, user))[0], QuestionCounts)

    async def ask(
        self, id: str, session: str, author: Principal, text: str, at: datetime, *, anonymous: bool
    ) -> QuestionRow:
        arguments = (id, session, author.id, author.name, anonymous, text, at)
        return msgspec.convert((await self._database.fetch(ASK, *arguments))[0], QuestionRow)

    async def hold_open(self, id: str, session: str) -> QuestionRow | None:
        """A question that nobody settles until the transaction ends. Upvoters do not wait for a count."""
        return await self._find(HOLD_OPEN, id, session)

    async def lock_to_settle(self, id: str, session: str) -> QuestionRow | None:
        """A question of which no upvote is under way, and none comes until the transaction ends."""
        return await self._find(LOCK_TO_SETTLE, id, session)

    async def upvote(self, question: str, user: str) -> bool:
        """False when this user has upvoted it before."""
        return bool(await self._database.fetch(UPVOTE, question, user))

    async def settle(self, id: str, state: Literal["answered", "dismissed"], answer: str | None) -> QuestionRow:
        return msgspec.convert((await self._database.fetch(SETTLE, id, state, answer))[0], QuestionRow)

    async def count_upvotes(self, session: str) -> list[CountedQuestion]:
        """Count each open question of the session; gives those whose votes were not told yet, by id."""
        rows = await self._database.fetch(COUNT_UPVOTES, session)
        return sorted((msgspec.convert(row, CountedQuestion) for row in rows), key=lambda one: one.id)

    async def shown(self, session: str) -> tuple[int, list[QuestionRow]]:
        """The part's revision, and the questions that were not dismissed."""
        return with_revision(await self._database.fetch(SHOWN, session), QuestionRow, "id")

    async def all(self, session: str) -> list[QuestionRow]:
        return [msgspec.convert(row, QuestionRow) for row in await self._database.fetch(ALL, session)]

    async def own(self, session: str, user: str) -> list[OwnQuestionRow]:
        """What the user has to do with each question that was not dismissed."""
        return [msgspec.convert(row, OwnQuestionRow) for row in await self._database.fetch(OWN, session, user)]

    async def anonymous(self, session: str) -> list[AnonymousQuestion]:
        """Who asked the anonymous questions that were not dismissed."""
        return [msgspec.convert(row, AnonymousQuestion) for row in await self._database.fetch(ANONYMOUS, session)]

    async def _find(self, statement: str, id: str, session: str) -> QuestionRow | None:
        for row in await self._database.fetch(statement, id, session):
            return msgspec.convert(row, QuestionRow)
        return None
