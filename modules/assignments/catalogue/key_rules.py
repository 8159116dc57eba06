"""Makes a stored question of one that was written: its options get ids, and its key must fit its kind. No IO."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import count
from string import ascii_lowercase

from gateway.errors import invalid
from gateway.identifier import new_id
from modules.assignments.catalogue.question import Option, Question, folded
from modules.assignments.catalogue.question_messages import NewQuestion
from modules.assignments.question_keys import (
    Key,
    MultipleKey,
    NumericKey,
    QuestionKind,
    ShortTextKey,
    SingleKey,
)

CHOICES = frozenset({QuestionKind.SINGLE, QuestionKind.MULTIPLE})


def questions_of(written: Collection[NewQuestion], known: Collection[str]) -> list[Question]:
    """The questions to store. `known` are the ids of those that are there.

    Raises BadInput `invalid` with the field of the question that is wrong.
    """
    made = [_question(one, f"questions[{place}]", known) for place, one in enumerate(written)]
    if len({one.id for one in made}) < len(made):
        raise invalid("two questions have the same id", field="questions")
    return made


def _question(written: NewQuestion, field: str, known: Collection[str]) -> Question:
    if written.id is not None and written.id not in known:
        raise invalid("there is no such question in the assignment", field=f"{field}.id")
    if written.kind in CHOICES and len(written.options) < 2:
        raise invalid("there must be two options at the least", field=f"{field}.options")
    if written.kind not in CHOICES and written.options:
        raise invalid(f"a question of the kind {written.kind.value} has no options", field=f"{field}.options")
    if (written.kind is QuestionKind.NUMERIC) != (written.value is not None):
        raise invalid("a numeric question has a value, and no other has", field=f"{field}.value")
    if (written.kind is QuestionKind.SHORT_TEXT) != bool(written.accepted):
        raise invalid("a short_text question has accepted answers, and no other has", field=f"{field}.accepted")
    options, right = _options(written, field)
    key = _key(written, field, right)
    return Question(written.id or new_id(), written.kind, written.text, options, key, written.points)


def _options(written: NewQuestion, field: str) -> tuple[tuple[Option, ...], tuple[str, ...]]:
    """The options with their ids, and the ids of those that are right."""
    taken = {one.id for one in written.options if one.id is not None}
    free = (id for id in _letters() if id not in taken)
    options = tuple(Option(one.id or next(free), one.text) for one in written.options)
    if len({one.id for one in options}) < len(options):
        raise invalid("two options have the same id", field=f"{field}.options")
    if len({folded(one.text) for one in options}) < len(options):
        raise invalid("two options say the same", field=f"{field}.options")
    return options, tuple(made.id for made, one in zip(options, written.options, strict=True) if one.right)


def _key(written: NewQuestion, field: str, right: tuple[str, ...]) -> Key:
    match written.kind:
        case QuestionKind.SINGLE:
            if len(right) != 1:
                raise invalid("exactly one option is right", field=f"{field}.options")
            return SingleKey(right[0])
        case QuestionKind.MULTIPLE:
            if not right:
                raise invalid("at least one option is right", field=f"{field}.options")
            return MultipleKey(right)
        case QuestionKind.NUMERIC:
            return NumericKey(Decimal(written.value or 0), Decimal(written.tolerance))
        case QuestionKind.SHORT_TEXT:
            return ShortTextKey(tuple(written.accepted))


def _letters() -> Iterator[str]:
    """a, b, … z, a2, b2 …"""
    for round in count(1):
        for letter in ascii_lowercase:
            yield letter if round == 1 else f"{letter}{round}"
