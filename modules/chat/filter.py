"""Filters that a text passes before a room sees it, in the order of `KSMP_CHAT_FILTERS`. A word list is built in.

The setting names each as `package.module:Class`. A filter may come from any package on the path.
"""

from __future__ import annotations

import pkgutil
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol

from gateway.principal import Author
from gateway.unicode.invisible import INVISIBLE
from gateway.unicode.normal import normal
from modules.chat import errors
from modules.chat.settings import ChatSettings

BUILT_IN: Final = Path(__file__).parent / "words.txt"
# The joiners, which stand inside of words of Hindi, Persian and others.
JOINERS: Final = "\u200c\u200d"
# Marks that may be laid over any letter, and disguise a word more often than a word needs them. The marks of Indian and
# other scripts are none of them.
OVERLAID: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
ASCII_WORD: Final = re.compile("[0-9A-Za-z]+")
# What nobody sees, and what is left in its place is one word: a gap, or nothing.
SPLIT: Final = re.compile(f"({INVISIBLE.pattern}+)")


class Filter(Protocol):
    """Made once, with the module, with chat's settings."""

    def __init__(self, settings: ChatSettings) -> None: ...

    async def review(self, text: str, author: Author) -> str:
        """The text as it may be shown, not longer; raises BadInput or Refused for a text that may not be sent."""


def load(settings: ChatSettings) -> list[Filter]:
    """The filters that the settings name; raises RuntimeError for one that cannot be used."""
    found: list[Filter] = []
    for name in settings.filters:
        try:
            found.append(pkgutil.resolve_name(name)(settings))
        except (ImportError, AttributeError, ValueError, OSError) as error:
            raise RuntimeError(f"KSMP_CHAT_FILTERS: {name} cannot be used: {error}") from error
    return found


class WordList:
    """Masks or refuses the words of a list.

    It finds whole words, whatever their case, composition or width, whatever accents and strokes were added, and
    whatever invisible characters are in between. It does not guess: a word of letters that only look like those of one
    of the list passes, and so does a longer word around it.
    """

    def __init__(self, settings: ChatSettings) -> None:
        file = Path(settings.words_file) if settings.words_file else BUILT_IN
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        self._words = frozenset(_keys([line for line in lines if line and not line.startswith("#")], settings.words))
        self._refuses = settings.words_action == "refuse"

    async def review(self, text: str, author: Author) -> str:
        return self.screen(text)

    def screen(self, text: str) -> str:
        """The text with the words masked; raises BadInput `chat.refused` when `KSMP_CHAT_WORDS_ACTION` is `refuse`."""
        if text.isascii():
            return ASCII_WORD.sub(lambda found: self._screened(found[0]), text)
        return "".join(self._screened(part) if is_word else part for part, is_word in _parts(text))

    def _screened(self, word: str) -> str:
        if self._has(word):
            if self._refuses:
                raise errors.refused()
            return "*" * len(word)
        if word.isascii() or not INVISIBLE.search(word):
            return word
        # Some fonts show a gap where others show nothing, so each piece is a word too. A joiner leaves no gap.
        pieces = SPLIT.split(word)
        if len(pieces) == 1 or all(char in JOINERS for gap in pieces[1::2] for char in gap):
            return word
        return "".join(self._screened(piece) if not INVISIBLE.match(piece) else piece for piece in pieces if piece)

    def _has(self, word: str) -> bool:
        if word.isascii():
            return word.lower() in self._words
        found = key(word)
        return found in self._words or unmarked(found) in self._words


def key(word: str) -> str:
    """One form for all ways to write a word."""
    folded = normal("NFKC", word).casefold()
    visible = INVISIBLE.sub("", folded)
    # Folding may undo the composition, and without the invisible characters more letters may compose.
    return normal("NFKC", normal("NFKC", visible).casefold())


def unmarked(word: str) -> str:
    """The word without accents and strokes."""
    return normal("NFC", OVERLAID.sub("", normal("NFD", word)))


def _keys(*lists: Iterable[str]) -> Iterator[str]:
    for words in lists:
        for word in words:
            if [is_word for _, is_word in _parts(word)] != [True]:
                raise ValueError(f"{word!r} is not one word")
            yield key(word)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut into words and what is between them."""
    for is_word, run in groupby(text, _in_word):
        yield "".join(run), is_word


@lru_cache(maxsize=4096)
def _in_word(char: str) -> bool:
    # A wide or circled letter counts as the letter it stands for.
    wide = normal("NFKC", char)
    return all(unicodedata.category(one)[0] in "LMN" or INVISIBLE.match(one) for one in wide)
