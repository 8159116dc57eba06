"""Questions to the mentors: a user asks, perhaps anonymously, others upvote once each, hosts answer or dismiss."""

from __future__ import annotations

from typing import Final, Literal

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import BadInput, forbidden, not_found
from gateway.identifier import new_id
from gateway.text import checked
from modules.accounts.facade import record, user_room
from modules.live.messages import Done, Member
from modules.live.room.errors import not_anonymous, question_closed, too_many_questions
from modules.live.room.options.repository import OptionRepository
from modules.live.room.questions.messages import (
    ASKER,
    MY_QUESTION,
    QUESTION,
    QUESTION_VOTES,
    UPVOTED,
    AnswerQuestion,
    Ask,
    Asked,
    Asker,
    Askers,
    MyQuestions,
    OwnQuestion,
    Question,
    QuestionChanged,
    QuestionsSnapshot,
    QuestionVotes,
    UpvotesCounted,
    WhichQuestion,
)
from modules.live.room.questions.repository import QuestionRepository, QuestionRow
from modules.live.room.questions.views import asker, order, view
from modules.live.room.repository import PartRepository
from modules.live.room.vote_counter import VoteCounter
from modules.live.rooms import session_room, staff_room
from modules.live.settings import RoomSettings

PART: Final = "questions"


class Questions:
    """The questions of each session. Whoever changes one locks the part first, then the question."""

    pushes = (QUESTION, QUESTION_VOTES, ASKER, MY_QUESTION, UPVOTED)

    def __init__(
        self,
        kernel: Kernel,
        settings: RoomSettings,
        parts: PartRepository,
        options: OptionRepository,
        vote_counter: VoteCounter,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._parts = parts
        self._options = options
        self._vote_counter = vote_counter
        self._questions = QuestionRepository(kernel.database)

    @command("live.ask", room="session", role="viewer", rate="ask_rate", row_first=True)
    async def ask(self, context: Context, request: Ask) -> Asked:
        """Raises Conflict `live.too_many_questions` and `live.not_anonymous`, BadInput `invalid` and `too_large`."""
        settings, session, user = self._settings, context.room_id, context.principal
        text = checked(request.text.strip(), settings.question_characters, "text")
        text = await self._kernel.filters.review_in_room(text, context)
        if request.anonymous and not (await self._options.of(session)).anonymous_questions:
            raise not_anonymous()
        await self._parts.lock(session, PART)
        counts = await self._questions.count(session, user.id)
        full = counts.count >= settings.questions or counts.ever >= settings.questions_ever
        if full or counts.own >= settings.questions_per_user:
            raise too_many_questions()
        row = await self._questions.ask(new_id(), session, user, text, clock.now(), anonymous=request.anonymous)
        rev = await self._tell(context, row)
        await self._kernel.rooms.publish_row(user_room(user.id), MY_QUESTION, OwnQuestion(rev, session, row.id))
        return Asked(rev, row.id)

    @command("live.upvote", room="session", role="viewer", rate="vote_rate", row_first=True)
    async def upvote(self, context: Context, request: WhichQuestion) -> Done:
        """Upvoting again changes nothing. Raises BadInput `not_found` and Conflict `live.question_closed`.

        The room is told the number of votes a moment later, together with other votes.
        """
        session, user = context.room_id, context.principal.id
        row = await self._questions.hold_open(request.question, session)
        if row is None:
            raise _no_question()
        if row.state != "open":
            raise question_closed()
        if await self._questions.upvote(row.id, user):
            await self._kernel.rooms.publish_row(user_room(user), UPVOTED, OwnQuestion(1, session, row.id))
            context.afterwards(lambda: self._vote_counter.schedule(session, PART, self.tally))
        return Done(1)

    @command("live.answer", room="session", role="cohost", row_first=True)
    async def answer(self, context: Context, request: AnswerQuestion) -> Done:
        """Raises BadInput `not_found`, `invalid` and `too_large`, Conflict `live.question_closed`."""
        text = request.text
        if text is not None:
            text = checked(text.strip(), self._settings.answer_characters, "text")
            text = await self._kernel.filters.review_in_room(text, context)
        await self._parts.lock(context.room_id, PART)
        row = await self._questions.lock_to_settle(request.question, context.room_id)
        if row is None:
            raise _no_question()
        if row.state == "dismissed":
            raise question_closed()
        return await self._settle(context, row, "answered", text)

    @command("live.dismiss", room="session", role="viewer", row_first=True)
    async def dismiss(self, context: Context, request: WhichQuestion) -> Done:
        """A user dismisses their own, a host any. Raises BadInput `not_found` and Refused `forbidden`."""
        rev = await self._parts.lock(context.room_id, PART)
        row = await self._questions.lock_to_settle(request.question, context.room_id)
        if row is None:
            raise _no_question()
        own = row.author_id == context.principal.id
        if not own and not context.at_least("cohost"):
            raise forbidden("only who asked it or a host may dismiss a question")
        if row.state == "dismissed":
            return Done(rev)
        if not own:
            details = {"session": context.room_id}
            await record(self._kernel.database, context.principal, "live.dismiss", row.id, details)
        return await self._settle(context, row, "dismissed", row.answer)

    @snapshot_part("live.questions", room="session", shared=True)
    async def questions(self, context: Context) -> QuestionsSnapshot:
        rev, rows = await self._questions.shown(context.room_id)
        return QuestionsSnapshot(rev, sorted((view(row) for row in rows), key=order))

    @snapshot_part("live.my_questions", room="session", given="live.questions")
    async def my_questions(self, context: Context, value: QuestionsSnapshot | None) -> MyQuestions:
        if value is not None and not value.questions:
            return MyQuestions([], [])
        rows = await self._questions.own(context.room_id, context.principal.id)
        asked = sorted(row.id for row in rows if row.asked)
        return MyQuestions(asked, sorted(row.id for row in rows if row.upvoted))

    @snapshot_part("live.askers", room="staff")
    async def askers(self, context: Context) -> Askers:
        pairs = [
            (row.id, asker(row, askers_shown=self._settings.askers_shown))
            for row in await self._questions.anonymous(context.room_id)
        ]
        return Askers({id: member for id, member in pairs if member is not None})

    async def tally(self, session: str) -> bool:
        """Push the votes that were not told yet, in a transaction that holds the part; whether there were any."""
        counted = await self._questions.count_upvotes(session)
        if not counted:
            return False
        votes = [QuestionVotes(one.id, one.votes) for one in counted]
        told = UpvotesCounted(await self._parts.bump(session, PART), votes)
        await self._kernel.rooms.publish_row(session_room(session), QUESTION_VOTES, told)
        return True

    async def export(self, session: str) -> list[tuple[Question, Member | None]]:
        """Every question of a session in the order of the room, with who asked it as hosts may know."""
        pairs = [(view(row, whole=True), self._asker(row)) for row in await self._questions.all(session)]
        return sorted(pairs, key=lambda pair: order(pair[0]))

    async def _settle(
        self, context: Context, row: QuestionRow, state: Literal["answered", "dismissed"], answer: str | None
    ) -> Done:
        # A count looks at open questions alone, so this one's upvotes are told now or never.
        await self.tally(context.room_id)
        return Done(await self._tell(context, await self._questions.settle(row.id, state, answer)))

    async def _tell(self, context: Context, row: QuestionRow) -> int:
        changed = QuestionChanged(await self._parts.bump(context.room_id, PART), view(row))
        if row.anonymous:
            # Without the author, and without their nonce, by which others might tell who it was.
            await self._kernel.rooms.publish_row(context.room, QUESTION, changed)
            await self._tell_asker(context.room_id, changed, self._asker(row))
        else:
            await context.publish_row(QUESTION, changed)
        return changed.rev

    async def _tell_asker(self, session: str, changed: QuestionChanged, author: Member | None) -> None:
        if author is None or changed.question.state == "answered":
            return
        told = Asker(changed.rev, changed.question.id, author if changed.question.state == "open" else None)
        await self._kernel.rooms.publish_row(staff_room(session), ASKER, told)

    def _asker(self, row: QuestionRow) -> Member | None:
        return asker(row, askers_shown=self._settings.askers_shown)


def _no_question() -> BadInput:
    return not_found("there is no such question in this session")
