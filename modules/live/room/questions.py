"""Questions to the mentors: asked, perhaps anonymously, upvoted once by each, answered or dismissed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway import clock
from gateway.contract import Command, Context, Rate, SnapshotPart
from gateway.errors import BadInput, Conflict, forbidden, not_found
from gateway.identifier import new_id
from gateway.text import checked
from modules.accounts.facade import record
from modules.live.messages import Done, Member, Name
from modules.live.room.options import ChosenOptions
from modules.live.room.parts import RoomParts
from modules.live.room.vote_counter import VoteCounter
from modules.live.rooms import session_room, staff_room, user_room

PART: Final = "questions"
QUESTION: Final = "live.question"
VOTES: Final = "live.question_votes"
ASKER: Final = "live.asker"
MINE: Final = "live.my_question"
UPVOTED: Final = "live.upvoted"

COUNTS: Final = """
    SELECT count(*) FILTER (WHERE state = 'open' AND author_id = $2) AS own,
        count(*) FILTER (WHERE state <> 'dismissed') AS count, count(*) AS ever
    FROM live_question WHERE session_id = $1
"""
ASK: Final = """
    INSERT INTO live_question (id, session_id, author_id, author_name, anonymous, text, state, asked_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'open', $7) RETURNING *
"""
OF: Final = "SELECT * FROM live_question WHERE id = $1 AND session_id = $2"
# Who upvotes does not wait for who counts; who settles a question waits until no upvote of it is under way.
STAYS_OPEN: Final = "FOR KEY SHARE"
SETTLES: Final = "FOR UPDATE"
UPVOTE: Final = "INSERT INTO live_upvote (question_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
SETTLE: Final = "UPDATE live_question SET state = $2, answer = $3 WHERE id = $1 RETURNING *"
# Every open question whose upvotes are not told yet, whoever took them and has died since.
TALLY: Final = """
    UPDATE live_question AS question SET votes = counted.votes
    FROM (
        SELECT question_id, count(*)::integer AS votes FROM live_upvote
        WHERE question_id IN (SELECT id FROM live_question WHERE session_id = $1 AND state = 'open')
        GROUP BY question_id
    ) AS counted
    WHERE question.id = counted.question_id AND question.votes <> counted.votes
    RETURNING question.id, question.votes
"""
READ: Final = """
    SELECT part.rev, question.* FROM live_part AS part
    LEFT JOIN live_question AS question ON question.session_id = part.session_id AND question.state <> 'dismissed'
    WHERE part.session_id = $1 AND part.part = 'questions'
"""
EXPORT: Final = "SELECT * FROM live_question WHERE session_id = $1"
READ_MINE: Final = """
    SELECT id, author_id = $2 AS asked, EXISTS (
        SELECT FROM live_upvote WHERE question_id = id AND user_id = $2
    ) AS upvoted
    FROM live_question WHERE session_id = $1 AND state <> 'dismissed'
"""
ANONYMOUS: Final = """
    SELECT id, anonymous, author_id, author_name FROM live_question
    WHERE session_id = $1 AND anonymous AND state <> 'dismissed'
"""


class Ask(msgspec.Struct, frozen=True):
    """`live.ask`."""

    text: str
    anonymous: bool = False


class Which(msgspec.Struct, frozen=True):
    """`live.upvote` and `live.dismiss`: the question's id."""

    question: Name


class AnswerQuestion(msgspec.Struct, frozen=True):
    """`live.answer`: without a text it was answered aloud."""

    question: Name
    text: str | None = None


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """What everybody in the room may know of a question: an anonymous one has no author."""

    id: str
    text: str
    state: Literal["open", "answered", "dismissed"]
    asked_at: int
    votes: int
    author: Member | None = None
    answer: str | None = None


class QuestionChanged(msgspec.Struct, frozen=True):
    """The push `live.question`; one that is `dismissed` is gone, and comes without its text."""

    rev: int
    question: Question


class Votes(msgspec.Struct, frozen=True):
    """How often a question was upvoted."""

    id: str
    votes: int


class VotesCounted(msgspec.Struct, frozen=True):
    """The push `live.question_votes`: of those questions where they have changed."""

    rev: int
    questions: list[Votes]


class QuestionsSnapshot(msgspec.Struct, frozen=True):
    """The snapshot part `live.questions`: the most upvoted first, then the oldest."""

    rev: int
    questions: list[Question]


class Asker(msgspec.Struct, frozen=True):
    """The push `live.asker` to the staff room: who asked an anonymous question; null when it was dismissed."""

    rev: int
    question: str
    author: Member | None


class Askers(msgspec.Struct, frozen=True):
    """The snapshot part `live.askers` of the staff room, by question."""

    askers: dict[str, Member]


class Own(msgspec.Struct, frozen=True):
    """The pushes `live.my_question` and `live.upvoted` to the user's own room, for their other connections."""

    rev: int
    session: str
    question: str


class MyQuestions(msgspec.Struct, frozen=True):
    """The snapshot part `live.my_questions`: what this user asked and upvoted."""

    asked: list[str]
    upvoted: list[str]


class Asked(msgspec.Struct, frozen=True):
    """The ok of `live.ask`."""

    rev: int
    question: str


class Questions:
    """The commands of questions; all but the snapshots run in a transaction of the kernel's."""

    def __init__(self, parts: RoomParts, options: ChosenOptions, vote_counter: VoteCounter) -> None:
        self._parts = parts
        self._options = options
        self._vote_counter = vote_counter
        self.commands = (
            Command(
                name="live.ask",
                rooms="session",
                role="viewer",
                request=Ask,
                handler=self._ask,
                rate=self._ask_rate,
                row_first=True,
            ),
            Command(
                name="live.upvote",
                rooms="session",
                role="viewer",
                request=Which,
                handler=self._upvote,
                rate=self._vote_rate,
                row_first=True,
            ),
            Command(
                name="live.answer",
                rooms="session",
                role="cohost",
                request=AnswerQuestion,
                handler=self._answer,
                row_first=True,
            ),
            Command(
                name="live.dismiss",
                rooms="session",
                role="viewer",
                request=Which,
                handler=self._dismiss,
                row_first=True,
            ),
        )
        self.snapshots = (
            SnapshotPart(name="live.questions", rooms="session", read=self._read, shared=True),
            SnapshotPart(name="live.my_questions", rooms="session", read=self._read_mine),
            SnapshotPart(name="live.askers", rooms="staff", read=self._read_askers),
        )

    async def tally(self, session: str) -> bool:
        """Tell the votes that are not told yet, in a transaction that holds the part; whether there were any."""
        rows = await self._parts.fetch(TALLY, session)
        if not rows:
            return False
        votes = sorted((Votes(row["id"], row["votes"]) for row in rows), key=lambda one: one.id)
        counted = VotesCounted(await self._parts.bump(session, PART), votes)
        await self._parts.kernel.rooms.publish_row(session_room(session), VOTES, counted)
        return True

    async def export(self, session: str) -> list[tuple[Question, Member | None]]:
        """Every question of a session in the order of the room, with who asked it as far as hosts may know."""
        rows = await self._parts.fetch(EXPORT, session)
        pairs = [(_question(row, whole=True), self._asker(row)) for row in rows]
        return sorted(pairs, key=lambda pair: _order(pair[0]))

    async def _ask(self, context: Context, request: Ask) -> Asked:
        """Raises Conflict `live.too_many_questions` and `live.not_anonymous`, BadInput `invalid` and `too_large`."""
        settings, session, user = self._parts.settings, context.room_id, context.principal
        text = checked(request.text.strip(), settings.question_characters, "text")
        if request.anonymous and not (await self._options.of(session)).anonymous_questions:
            raise Conflict("questions of this session are asked under one's name", code="live.not_anonymous")
        await self._parts.lock(session, PART)
        (counts,) = await self._parts.fetch(COUNTS, session, user.id)
        full = counts["count"] >= settings.questions or counts["ever"] >= settings.questions_ever
        if full or counts["own"] >= settings.questions_per_user:
            raise Conflict("there are too many questions already", code="live.too_many_questions")
        rows = await self._parts.fetch(ASK, new_id(), session, user.id, user.name, request.anonymous, text, clock.now())
        row = rows[0]
        rev = await self._tell(context, row)
        await self._parts.kernel.rooms.publish_row(user_room(user.id), MINE, Own(rev, session, row["id"]))
        return Asked(rev, row["id"])

    async def _upvote(self, context: Context, request: Which) -> Done:
        """Once a user; again it changes nothing. Raises BadInput `not_found` and Conflict `live.question_closed`.

        The room is told how many there are a moment later, together with others'.
        """
        session, user = context.room_id, context.principal.id
        row = await self._find(context, request.question, STAYS_OPEN)
        if row["state"] != "open":
            raise _closed()
        if await self._parts.fetch(UPVOTE, row["id"], user):
            await self._parts.kernel.rooms.publish_row(user_room(user), UPVOTED, Own(1, session, row["id"]))
            context.afterwards(lambda: self._vote_counter.schedule(session, PART, self.tally))
        return Done(1)

    async def _answer(self, context: Context, request: AnswerQuestion) -> Done:
        """Raises BadInput `not_found`, `invalid` and `too_large`, Conflict `live.question_closed`."""
        text = request.text
        if text is not None:
            text = checked(text.strip(), self._parts.settings.answer_characters, "text")
        await self._parts.lock(context.room_id, PART)
        row = await self._find(context, request.question, SETTLES)
        if row["state"] == "dismissed":
            raise _closed()
        return await self._settle(context, row, "answered", text)

    async def _dismiss(self, context: Context, request: Which) -> Done:
        """One's own, or any as a host. Raises BadInput `not_found` and Refused `forbidden`."""
        rev = await self._parts.lock(context.room_id, PART)
        row = await self._find(context, request.question, SETTLES)
        if row["author_id"] != context.principal.id and not context.at_least("cohost"):
            raise forbidden("only who asked it or a host may dismiss a question")
        if row["state"] == "dismissed":
            return Done(rev)
        if row["author_id"] != context.principal.id:
            await record(
                self._parts.kernel.database, context.principal, "live.dismiss", row["id"], {"session": context.room_id}
            )
        return await self._settle(context, row, "dismissed", row["answer"])

    async def _settle(self, context: Context, row: Mapping[str, Any], state: str, answer: str | None) -> Done:
        # Upvotes that were not told yet would not be any more: only open questions are counted.
        await self.tally(context.room_id)
        settled = (await self._parts.fetch(SETTLE, row["id"], state, answer))[0]
        return Done(await self._tell(context, settled))

    async def _tell(self, context: Context, row: Mapping[str, Any]) -> int:
        changed = QuestionChanged(await self._parts.bump(context.room_id, PART), _question(row))
        if row["anonymous"]:
            # Neither who it is from nor the nonce they chose, in which they might be known again.
            await self._parts.kernel.rooms.publish_row(context.room, QUESTION, changed)
            await self._tell_asker(context.room_id, changed, self._asker(row))
        else:
            await context.publish_row(QUESTION, changed)
        return changed.rev

    async def _tell_asker(self, session: str, changed: QuestionChanged, asker: Member | None) -> None:
        if asker is None or changed.question.state == "answered":
            return
        told = Asker(changed.rev, changed.question.id, asker if changed.question.state == "open" else None)
        await self._parts.kernel.rooms.publish_row(staff_room(session), ASKER, told)

    async def _find(self, context: Context, id: str, lock: str) -> Mapping[str, Any]:
        for row in await self._parts.fetch(f"{OF} {lock}", id, context.room_id):
            return row
        raise _none()

    async def _read(self, context: Context) -> QuestionsSnapshot:
        rows = await self._parts.fetch(READ, context.room_id)
        questions = [_question(row) for row in rows if row["id"] is not None]
        return QuestionsSnapshot(rows[0]["rev"] if rows else 0, sorted(questions, key=_order))

    async def _read_askers(self, context: Context) -> Askers:
        rows = await self._parts.fetch(ANONYMOUS, context.room_id)
        pairs = [(row["id"], self._asker(row)) for row in rows]
        return Askers({id: asker for id, asker in pairs if asker is not None})

    async def _read_mine(self, context: Context) -> MyQuestions:
        rows = await self._parts.fetch(READ_MINE, context.room_id, context.principal.id)
        return MyQuestions(_ids(rows, "asked"), _ids(rows, "upvoted"))

    def _asker(self, row: Mapping[str, Any]) -> Member | None:
        shown = not row["anonymous"] or self._parts.settings.askers_shown
        return Member(row["author_id"], row["author_name"]) if shown else None

    def _ask_rate(self) -> Rate:
        return Rate(count=self._parts.settings.ask_rate_count, seconds=self._parts.settings.ask_rate_seconds)

    def _vote_rate(self) -> Rate:
        return Rate(count=self._parts.settings.vote_rate_count, seconds=self._parts.settings.vote_rate_seconds)


def _question(row: Mapping[str, Any], *, whole: bool = False) -> Question:
    gone = row["state"] == "dismissed" and not whole
    return Question(
        row["id"],
        "" if gone else row["text"],
        row["state"],
        clock.to_ms(row["asked_at"]),
        row["votes"],
        None if row["anonymous"] else Member(row["author_id"], row["author_name"]),
        None if gone else row["answer"],
    )


def _order(question: Question) -> tuple[int, int, str]:
    return (-question.votes, question.asked_at, question.id)


def _ids(rows: Sequence[Mapping[str, Any]], which: str) -> list[str]:
    return sorted(row["id"] for row in rows if row[which])


def _none() -> BadInput:
    return not_found("there is no such question in this session")


def _closed() -> Conflict:
    return Conflict("this question is not open any more", code="live.question_closed")
