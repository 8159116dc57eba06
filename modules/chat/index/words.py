"""The words of a text, in the one form in which they are stored and looked for.

PostgreSQL's own parser asks the database's locale what a letter is, and takes the vowel signs of Devanagari for spaces.
So the words are made here, and PostgreSQL only compares them. Whoever changes the form raises `FORM`: the index is then
made anew in the background.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from gateway.unicode.invisible import INVISIBLE
from gateway.unicode.normal import normal

FORM: Final = 1
# Characters of a word that are compared. A lexeme of PostgreSQL may have 2,046 bytes.
LONGEST: Final = 64
# Characters of a text in its normal form that are looked at, for each of its characters.
MOST_FOLDED: Final = 4
# Words of a query that are looked for.
MOST_ASKED: Final = 16


def _marks() -> str:
    return "".join(char for char in map(chr, range(0x300, 0x20000)) if unicodedata.category(char)[0] == "M")


_MARKS: Final = _marks()
_APOSTROPHES: Final = "'\u2018\u2019\u201b\u02bc\u02b9\u2032\u0060\u00b4\u055a\ua78c\u05f3"
# A sign of Devanagari, or of any writing, is a part of its word. Python's \w has none.
_WORD: Final = rf"(?:[^\W_]|[{_MARKS}])+"
_FLAG: Final = "[\U0001f1e6-\U0001f1ff]{2}"
_PICTURE: Final = (
    "[\u203c\u2049\u20bf\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]"
)
# Words that an apostrophe or a hyphen joins are one match: "don't", "d'études", "well-known".
_JOINER: Final = f"[{_APOSTROPHES}\\-\u2010-\u2015_]"
_TOKEN: Final = re.compile(f"{_FLAG}|{_PICTURE}|{_WORD}(?:{_JOINER}{_WORD})*")
_SPLIT: Final = re.compile(_JOINER)
_APOSTROPHE: Final = re.compile(f"[{_APOSTROPHES}]")
_PLAIN: Final = re.compile(r"[a-z0-9]+(?:['`_-][a-z0-9]+)*")

_SKIN_TONES: Final = re.compile("[\U0001f3fb-\U0001f3ff]")
# The marks that follow a Latin letter: accents. Those of other writings are letters to their readers.
_ACCENTS: Final = re.compile("(?<=[a-z])[\u0300-\u036f]+")
# Vowel points of Arabic and Hebrew, which most people leave out, and the stroke that lengthens an Arabic word.
_POINTS: Final = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ħ": "h",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
        # The dot below, which many leave out, and the moon over a vowel, for which many write the dot.
        "\u093c": None,
        # The cap of a key, around a digit.
        "\u20e3": None,
        "\u0901": "\u0902",
    }
)


def words_of(text: str) -> list[str]:
    """The words of a text that a search may find it by, each once, in no order.

    Words that are joined are found as a whole and by their parts.
    """
    found: dict[str, None] = {}
    for token in _tokens(text):
        parts = [part for part in _SPLIT.split(token) if part]
        for word in (*parts, "".join(parts)) if len(parts) > 1 else parts:
            found[word[:LONGEST]] = None
    return list(found)


def asked_words(query: str) -> list[str]:
    """The words that a text must have to be found, in their order; the last may be the beginning of one.

    What an apostrophe joins is one word, with the apostrophe or without. What a hyphen joins is several.
    """
    found: dict[str, None] = {}
    for token in _tokens(query):
        for part in _SPLIT.split(_APOSTROPHE.sub("", token)):
            if part:
                found.pop(part[:LONGEST], None)
                found[part[:LONGEST]] = None
    return list(found)[:MOST_ASKED]


def _tokens(text: str) -> Iterator[str]:
    if text.isascii():
        yield from _PLAIN.findall(text.lower())
        return
    # Apostrophes first: to Unicode some of them are a space with an accent.
    # Some characters are short for a whole sentence. No writing takes more than three characters for one.
    folded = normal("NFKD", _APOSTROPHE.sub("'", text))[: MOST_FOLDED * len(text)]
    folded = INVISIBLE.sub("", _SKIN_TONES.sub("", folded)).casefold()
    folded = _POINTS.sub("", _ACCENTS.sub("", normal("NFKD", folded).translate(_LETTERS)))
    for match in _TOKEN.finditer(normal("NFC", folded)):
        token = match[0]
        yield token if token.isascii() else _digits(token)


def _digits(token: str) -> str:
    """The digits of all writings are the same digits."""
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in token)
