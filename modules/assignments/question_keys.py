"""The keys of questions: what is right. A question's `key` column holds one of these as JSON; its kind says which.

No student reads a key before the grade is released.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec


class QuestionKind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMERIC = "numeric"
    SHORT_TEXT = "short_text"


class SingleKey(msgspec.Struct, frozen=True, tag="single"):
    """The id of the right option."""

    option: str


class MultipleKey(msgspec.Struct, frozen=True, tag="multiple"):
    """The ids of all right options."""

    options: tuple[str, ...]


class NumericKey(msgspec.Struct, frozen=True, tag="numeric"):
    """The value, and by how much an answer may differ from it."""

    value: Decimal
    tolerance: Decimal = Decimal(0)


class ShortTextKey(msgspec.Struct, frozen=True, tag="short_text"):
    accepted: tuple[str, ...]


Key = SingleKey | MultipleKey | NumericKey | ShortTextKey


_TYPES: Final[dict[QuestionKind, type[Key]]] = {
    QuestionKind.SINGLE: SingleKey,
    QuestionKind.MULTIPLE: MultipleKey,
    QuestionKind.NUMERIC: NumericKey,
    QuestionKind.SHORT_TEXT: ShortTextKey,
}


def key_of(kind: QuestionKind, column: str | bytes) -> Key:
    """The key in a question's row. Raises msgspec.ValidationError for one of another kind."""
    return msgspec.json.decode(column, type=_TYPES[kind])
