"""Questions and polls as rows of a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway import clock
from gateway.http.spreadsheet import Cell
from modules.live.room.export.messages import PollList, QuestionList

QUESTION_HEAD: Final = ("id", "state", "votes", "asked_at", "anonymous", "asker", "text", "answer")
POLL_HEAD: Final = ("id", "question", "state", "opened_at", "closed_at", "voters", "option", "votes", "correct")


def question_rows(questions: QuestionList) -> Iterator[tuple[Cell, ...]]:
    """A row for each question."""
    for one in questions.items:
        yield (
            one.question.id,
            one.question.state,
            one.question.votes,
            clock.from_ms(one.question.asked_at),
            one.anonymous,
            "" if one.asker is None else one.asker.name,
            one.question.text,
            one.question.answer or "",
        )


def poll_rows(polls: PollList) -> Iterator[tuple[Cell, ...]]:
    """A row for each option of each poll."""
    for poll in polls.items:
        for number, option in enumerate(poll.options):
            yield (
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
