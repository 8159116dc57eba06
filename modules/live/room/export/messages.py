"""What the routes of a room answer."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from modules.live.messages import EXAMPLE, MADE, Member
from modules.live.room.moderation.messages import Moderated
from modules.live.room.polls.messages import Poll
from modules.live.room.questions.messages import Question


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
