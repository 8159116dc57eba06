"""Points for answers to questions, by their keys.

Single choice: all points for the right option. Several choices: each right option that is chosen gives its share, and
each wrong one takes the same share away; never less than 0. Numeric: all points within the tolerance. Short text: all
points for one of the accepted answers, compared in one form (`folded`).

The points of a question are rounded once, to two decimals, half up. Those of the whole are their sum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from modules.assignments.catalogue.question import Question, folded
from modules.assignments.decimals import rounded
from modules.assignments.question_keys import MultipleKey, NumericKey, ShortTextKey, SingleKey

NOTHING: Final = Decimal("0.00")
# No answer of this length is a number that somebody means; Decimal would take a million digits.
DIGITS: Final = 40
# 12,345 and 1,23,45,678 have commas between digits that belong together; 9,81 does not.
GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]*)?", re.ASCII)


class Answered(msgspec.Struct, frozen=True):
    """The answer to one question: ids of options, or a text. A number is a text too, such as `9.81`."""

    options: tuple[str, ...] = ()
    text: str = ""


class QuestionResult(msgspec.Struct, frozen=True):
    """What the answer to one question got, of how much."""

    question_id: str
    points: Decimal
    of: Decimal


def grade(questions: Iterable[Question], answers: Mapping[str, Answered]) -> tuple[QuestionResult, ...]:
    """The result of each question in its order; no answer gives 0."""
    return tuple(
        QuestionResult(one.id, _points(one, answers[one.id]) if one.id in answers else NOTHING, one.points)
        for one in questions
    )


def total(results: Iterable[QuestionResult]) -> Decimal:
    return sum((one.points for one in results), NOTHING)


def _points(question: Question, answer: Answered) -> Decimal:
    match question.key:
        case SingleKey(option=option):
            share = Decimal(answer.options == (option,))
        case MultipleKey(options=options):
            chosen, right = {*answer.options}, {*options}
            share = max(Decimal(len(chosen & right) - len(chosen - right)), Decimal(0)) / max(len(right), 1)
        case NumericKey(value=value, tolerance=tolerance):
            number = _number(answer.text)
            share = Decimal(number is not None and abs(number - value) <= tolerance)
        case ShortTextKey(accepted=accepted):
            share = Decimal(folded(answer.text) in {folded(one) for one in accepted})
    return rounded(question.points * share)


def _number(text: str) -> Decimal | None:
    """The number that a text shows: with commas between thousands or lakhs, or with one for the decimal point."""
    written = text.strip().replace("−", "-")
    if GROUPED.fullmatch(written):
        written = written.replace(",", "")
    elif written.count(",") == 1 and "." not in written:
        written = written.replace(",", ".")
    if not 0 < len(written) <= DIGITS or "_" in written:
        return None
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    # Neither NaN nor an exponent that no arithmetic of exams has.
    return number if number.is_finite() and abs(number.adjusted()) <= DIGITS else None
