"""What clients send and get about questions."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from gateway.contract import PushType
from gateway.text import LONG, TEXT, Texts
from modules.live.messages import Member, Name

# Its greatest length is a setting.
Text = Annotated[str, LONG, TEXT]


class Ask(Texts, frozen=True):
    """`live.ask`."""

    text: Text
    anonymous: bool = False


class WhichQuestion(msgspec.Struct, frozen=True):
    """`live.upvote` and `live.dismiss`: the question's id."""

    question: Name


class AnswerQuestion(Texts, frozen=True):
    """`live.answer`. Without a text it was answered aloud."""

    question: Name
    text: Text | None = None


class Asked(msgspec.Struct, frozen=True):
    """The ok of `live.ask`: the part's revision and the question's id."""

    rev: int
    question: str


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question as everybody in the room may know it. An anonymous one has no author."""

    id: str
    text: str
    state: Literal["open", "answered", "dismissed"]
    asked_at: int
    votes: int
    author: Member | None = None
    answer: str | None = None


class QuestionChanged(msgspec.Struct, frozen=True):
    """The push `live.question`. A `dismissed` question is gone, and comes without its text."""

    rev: int
    question: Question


class QuestionVotes(msgspec.Struct, frozen=True):
    """How often a question was upvoted."""

    id: str
    votes: int


class UpvotesCounted(msgspec.Struct, frozen=True):
    """The push `live.question_votes`: the questions whose number of votes has changed."""

    rev: int
    questions: list[QuestionVotes]


class QuestionsSnapshot(msgspec.Struct, frozen=True):
    """The snapshot part `live.questions`: the most upvoted first, then the oldest, then by id."""

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


class OwnQuestion(msgspec.Struct, frozen=True):
    """The pushes `live.my_question` and `live.upvoted` to the user's own room, for their other connections."""

    rev: int
    session: str
    question: str


class MyQuestions(msgspec.Struct, frozen=True):
    """The snapshot part `live.my_questions`: what this user asked and upvoted."""

    asked: list[str]
    upvoted: list[str]


QUESTION: Final = PushType("live.question", QuestionChanged)
QUESTION_VOTES: Final = PushType("live.question_votes", UpvotesCounted)
ASKER: Final = PushType("live.asker", Asker)
MY_QUESTION: Final = PushType("live.my_question", OwnQuestion)
UPVOTED: Final = PushType("live.upvoted", OwnQuestion)
