"""Filters that a message passes before it is stored, in the order of `KSMP_CHAT_FILTERS`. A word list is built in.

The setting names each as `package.module:Class`. A filter may come from any package on the path.
"""

from __future__ import annotations

import pkgutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from gateway.principal import Author
from modules.chat import errors
from modules.chat.settings import ChatSettings

BUILT_IN: Final = Path(__file__).parent / "words.txt"
# Invisible, though not of the category Cf: fillers, and the variation selectors.
INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}


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


async def review(filters: Sequence[Filter], text: str, author: Author) -> str:
    """The text as all filters let it pass."""
    for one in filters:
        text = await one.review(text, author)
    return text


class WordList:
    """Masks or refuses the words of a list.

    It finds whole words, whatever their case, composition or width and whatever invisible characters are in between.
    It does not guess: a word that only looks like one of the list passes, and so does a longer word around it.
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
        result: list[str] = []
        for part, is_word in _parts(text):
            if is_word and key(part) in self._words:
                if self._refuses:
                    raise errors.refused()
                result.append("*" * len(part))
            else:
                result.append(part)
        return "".join(result)


def key(word: str) -> str:
    """One form for all ways to write a word."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    visible = "".join(char for char in folded if not _invisible(char))
    # Folding may undo the composition, and without the invisible characters more letters may compose.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())


def _keys(*lists: Iterable[str]) -> Iterator[str]:
    for words in lists:
        for word in words:
            if [is_word for _, is_word in _parts(word)] != [True]:
                raise ValueError(f"{word!r} is not one word")
            yield key(word)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut into words and what is between them."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or _in_word(text[index]) != _in_word(text[start]):
            yield text[start:index], _in_word(text[start])
            start = index


def _in_word(char: str) -> bool:
    # A wide or circled letter counts as the letter it stands for.
    return all(unicodedata.category(one)[0] in "LMN" or _invisible(one) for one in unicodedata.normalize("NFKC", char))


def _invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or char in INVISIBLE
