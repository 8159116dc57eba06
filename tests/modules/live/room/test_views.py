"""What the room and what hosts may know of a row, without a gateway."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from modules.live.messages import Member
from modules.live.room.polls.repository import PollRow
from modules.live.room.polls.views import view, views
from modules.live.room.polls.voter import stored_voter
from modules.live.room.questions import views as question_views
from modules.live.room.questions.repository import QuestionRow
from modules.live.room.repository import with_revision

AT = datetime(2026, 2, 2, 12, 30, tzinfo=UTC)
QUIZ = PollRow(
    id="p",
    session_id="s",
    question="2 + 2?",
    options=["3", "4"],
    multiple=False,
    correct=[1],
    anonymous=True,
    revote=False,
    shown=False,
    state="open",
    opened_at=AT,
    closes_at=None,
    closed_at=None,
    counts=[1, 2],
    voters=3,
    secret=b"secret",
)
QUESTION = QuestionRow("q", "s", "ada", "Ada", False, "Why?", "dismissed", "So.", AT, 2)


def test_an_open_quiz_hides_its_answer_and_its_votes_from_the_room() -> None:
    assert (view(QUIZ).quiz, view(QUIZ).correct, view(QUIZ).counts, view(QUIZ).voters) == (True, None, None, None)
    staff = view(QUIZ, staff=True)
    assert (staff.correct, staff.counts, staff.voters) == ([1], [1, 2], 3)
    shown = view(msgspec.structs.replace(QUIZ, shown=True))
    assert (shown.correct, shown.counts, shown.voters) == (None, [1, 2], 3)
    closed = view(msgspec.structs.replace(QUIZ, state="closed", closed_at=AT))
    assert (closed.correct, closed.counts, closed.voters) == ([1], [1, 2], 3)


def test_polls_of_one_millisecond_are_in_the_order_of_their_ids() -> None:
    later = msgspec.structs.replace(QUIZ, id="a", opened_at=AT.replace(microsecond=900))
    assert [poll.id for poll in views([QUIZ, later])] == ["a", "p"]


def test_a_voter_of_an_anonymous_poll_is_a_hash_that_its_secret_makes() -> None:
    assert stored_voter(msgspec.structs.replace(QUIZ, anonymous=False), "ada") == "ada"
    stored = stored_voter(QUIZ, "ada")
    assert "ada" not in stored
    assert stored == stored_voter(QUIZ, "ada") != stored_voter(QUIZ, "bob")
    assert stored != stored_voter(msgspec.structs.replace(QUIZ, secret=b"another"), "ada")
    with pytest.raises(ValueError, match="secret of poll p is gone"):
        stored_voter(msgspec.structs.replace(QUIZ, secret=None), "ada")


def test_a_dismissed_question_keeps_its_text_for_the_export_alone() -> None:
    assert (question_views.view(QUESTION).text, question_views.view(QUESTION).answer) == ("", None)
    whole = question_views.view(QUESTION, whole=True)
    assert (whole.text, whole.answer, whole.author) == ("Why?", "So.", Member("ada", "Ada"))


def test_an_asker_is_hidden_by_anonymity_and_the_setting_together() -> None:
    anonymous = msgspec.structs.replace(QUESTION, anonymous=True)
    assert question_views.view(anonymous, whole=True).author is None
    assert question_views.asker(anonymous, askers_shown=True) == Member("ada", "Ada")
    assert question_views.asker(anonymous, askers_shown=False) is None
    assert question_views.asker(QUESTION, askers_shown=False) == Member("ada", "Ada")


class Item(msgspec.Struct):
    id: str


def test_a_part_without_items_has_its_revision() -> None:
    assert with_revision([], Item, "id") == (0, [])
    assert with_revision([{"rev": 4, "id": None}], Item, "id") == (4, [])
    assert with_revision([{"rev": 4, "id": "a"}, {"rev": 4, "id": "b"}], Item, "id") == (4, [Item("a"), Item("b")])
