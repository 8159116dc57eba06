"""Questions that are graded by a key, as they are stored.

A short answer is right when it is one of the accepted ones after `folded`: in the compatible form of Unicode (NFKC, so
`²` is 2 and full-width letters are letters), without case, and with single spaces.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from gateway.unicode.normal import normal
from modules.assignments.question_keys import Key, QuestionKind


class Option(msgspec.Struct, frozen=True):
    """One of the answers to choose from; its `id` is unique in its question."""

    id: str
    text: str


class Question(msgspec.Struct, frozen=True):
    """A question of an assignment, with its key."""

    id: str
    kind: QuestionKind
    text: str
    options: tuple[Option, ...]
    key: Key
    points: Decimal


def folded(text: str) -> str:
    """The form in which short answers are compared."""
    return " ".join(normal("NFKC", normal("NFKC", text).casefold()).split())
