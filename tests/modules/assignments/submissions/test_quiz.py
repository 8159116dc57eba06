"""Points for answers, by the keys of questions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.catalogue.question import Question
from modules.assignments.question_keys import (
    Key,
    MultipleKey,
    NumericKey,
    QuestionKind,
    ShortTextKey,
    SingleKey,
    key_of,
)
from modules.assignments.submissions.quiz import Answered, grade, total

OPTIONS = ("a", "b", "c", "d")


def question(id: str, of: str, key: Key) -> Question:
    # Its kind and its options play no part: the key says all.
    return Question(id, QuestionKind.SINGLE, "?", (), key, Decimal(of))


def points(key: Key, answer: Answered, of: str = "4") -> Decimal:
    (result,) = grade([question("q", of, key)], {"q": answer})
    assert result.of == Decimal(of)
    return result.points


@pytest.mark.parametrize(
    ("key", "answer", "worth"),
    [
        (SingleKey("b"), Answered(("b",)), "4"),
        (SingleKey("b"), Answered(("a",)), "0"),
        (SingleKey("b"), Answered(("a", "b")), "0"),
        (SingleKey("b"), Answered(), "0"),
        (MultipleKey(("a", "b")), Answered(("a", "b")), "4"),
        (MultipleKey(("a", "b")), Answered(("b",)), "2"),
        (MultipleKey(("a", "b")), Answered(("b", "c")), "0"),
        (MultipleKey(("a", "b")), Answered(("c", "d")), "0"),
        (MultipleKey(("a", "b", "c")), Answered(("a",)), "1.33"),
        (MultipleKey(("a", "b", "c")), Answered(("a", "b")), "2.67"),
        (MultipleKey(("a", "b")), Answered(OPTIONS), "0"),
        (NumericKey(Decimal("9.81")), Answered(text="9.81"), "4"),
        (NumericKey(Decimal("9.81")), Answered(text=" 9,81 "), "4"),
        (NumericKey(Decimal(9810)), Answered(text="9,810"), "4"),
        (NumericKey(Decimal("12345678.5")), Answered(text="1,23,45,678.5"), "4"),
        (NumericKey(Decimal("9.81"), Decimal("0.01")), Answered(text="9.8"), "4"),
        (NumericKey(Decimal("9.81"), Decimal("0.01")), Answered(text="9.79"), "0"),
        (NumericKey(Decimal("-0.5")), Answered(text="−5e-1"), "4"),
        (NumericKey(Decimal(0)), Answered(text="NaN"), "0"),
        (NumericKey(Decimal(0)), Answered(text="1e999999999"), "0"),
        (NumericKey(Decimal(0)), Answered(text="zero"), "0"),
        (NumericKey(Decimal(1)), Answered(text="1" + "0" * 100), "0"),
        (ShortTextKey(("New Delhi",)), Answered(text="  new   DELHI "), "4"),
        (ShortTextKey(("café",)), Answered(text="cafe\u0301"), "4"),
        (ShortTextKey(("x²",)), Answered(text="X2"), "4"),
        (ShortTextKey(("New Delhi", "Delhi")), Answered(text="Delhi"), "4"),
        (ShortTextKey(("New Delhi",)), Answered(text="Mumbai"), "0"),
    ],
)
def test_what_an_answer_is_worth(key: Key, answer: Answered, worth: str) -> None:
    assert points(key, answer) == Decimal(worth)


def test_a_question_that_is_not_answered_is_worth_nothing() -> None:
    results = grade([question(id, "4", SingleKey("a")) for id in ("q", "r")], {})
    assert [one.question_id for one in results] == ["q", "r"]
    assert total(results) == 0


@given(
    st.lists(st.sampled_from(OPTIONS), unique=True, min_size=1),
    st.lists(st.sampled_from(OPTIONS), unique=True),
    st.decimals("0", "1000", places=2),
)
def test_several_choices_give_between_nothing_and_all(right: list[str], chosen: list[str], of: Decimal) -> None:
    got = points(MultipleKey(tuple(right)), Answered(tuple(chosen)), str(of))
    assert 0 <= got <= of
    assert got == got.quantize(Decimal("0.01"))
    if {*chosen} == {*right}:
        assert got == of


def test_the_total_is_the_sum_of_what_is_shown() -> None:
    thirds = [question(str(number), "1", MultipleKey(("a", "b", "c"))) for number in range(3)]
    results = grade(thirds, {one.id: Answered(("a",)) for one in thirds})
    assert [str(one.points) for one in results] == ["0.33"] * 3
    assert str(total(results)) == "0.99"


@pytest.mark.parametrize(
    ("kind", "column", "key"),
    [
        ("single", '{"option": "a"}', SingleKey("a")),
        ("multiple", '{"options": ["a", "b"]}', MultipleKey(("a", "b"))),
        ("numeric", '{"value": "9.81", "tolerance": "0.01"}', NumericKey(Decimal("9.81"), Decimal("0.01"))),
        ("short_text", '{"accepted": ["x"]}', ShortTextKey(("x",))),
    ],
)
def test_a_key_is_read_by_the_kind_of_its_question(kind: str, column: str, key: Key) -> None:
    assert key_of(QuestionKind(kind), column) == key
