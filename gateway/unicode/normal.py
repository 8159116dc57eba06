"""The normal forms of Unicode, in a time that grows with the text and not with its square.

Marks after one letter are brought into an order, one by one: ten thousand of them in the wrong order hold a process up
for a second. No writing has more than a few, and UAX #15 lets a "stream-safe" text have 30.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from gateway.unicode.invisible import BLANK, DEFAULT_IGNORABLE, INVISIBLE

MOST_MARKS: Final = 30

# Two halves of a mark, or a mark that has a width, are marks once a text is in its normal form.
_BECOME_MARKS: Final = "\u0f73\u0f75\u0f81\uff9e\uff9f"


def _marks() -> str:
    # None stands outside of the first two planes. A mark that encloses a letter has no order of its own, and those
    # around it have one as soon as it is left out.
    chars = map(chr, range(0x300, 0x20000))
    return "".join(char for char in chars if unicodedata.combining(char) or unicodedata.category(char) == "Me")


# What nobody sees is left out here and there, so it does not part the marks around it.
_RUN: Final = re.compile(f"[{_marks()}{_BECOME_MARKS}{DEFAULT_IGNORABLE}{BLANK}]{{{MOST_MARKS + 1},}}")


def normal(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """The normal form of a text, without the marks that are too many."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, _RUN.sub(_shortened, text))  # noqa: TID251


def has_too_many_marks(text: str) -> bool:
    """Whether more than `MOST_MARKS` marks follow each other, as no writing has them."""
    return not text.isascii() and any(len(_marks_of(run)) > MOST_MARKS for run in _RUN.finditer(text))


def _marks_of(run: re.Match[str]) -> str:
    return INVISIBLE.sub("", run[0])


def _shortened(run: re.Match[str]) -> str:
    marks = _marks_of(run)
    return run[0] if len(marks) <= MOST_MARKS else marks[:MOST_MARKS]
