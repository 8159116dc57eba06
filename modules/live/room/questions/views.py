"""What the room, and what hosts, may know of a question."""

from __future__ import annotations

from gateway import clock
from modules.live.messages import Member
from modules.live.room.questions.messages import Question
from modules.live.room.questions.repository import AnonymousQuestion, QuestionRow


def view(row: QuestionRow, *, whole: bool = False) -> Question:
    """The question for the room, where a dismissed one has no text; `whole` keeps it, for the export."""
    gone = row.state == "dismissed" and not whole
    return Question(
        row.id,
        "" if gone else row.text,
        row.state,
        clock.to_ms(row.asked_at),
        row.votes,
        None if row.anonymous else Member(row.author_id, row.author_name),
        None if gone else row.answer,
    )


def asker(row: QuestionRow | AnonymousQuestion, *, askers_shown: bool) -> Member | None:
    """Who asked it as hosts may know; None for an anonymous question unless askers are shown to hosts."""
    return Member(row.author_id, row.author_name) if askers_shown or not row.anonymous else None


def order(question: Question) -> tuple[int, int, str]:
    """The most upvoted first, then the oldest, then by id."""
    return (-question.votes, question.asked_at, question.id)
