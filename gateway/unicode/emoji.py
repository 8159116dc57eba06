"""Emojis that people send in one of several forms, and that are one to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# They choose between the look of a text and of an emoji. Keyboards differ in where they put them.
_LOOKS: Final = re.compile("[\ufe0e\ufe0f]")
_SKIN_TONES: Final = re.compile("[\U0001f3fb-\U0001f3ff]")


class Palette:
    """The emojis that may be sent, in the form in which they are counted and shown."""

    def __init__(self, emojis: Iterable[str]) -> None:
        # The first of two that are one is the form.
        self._forms: dict[str, str] = {}
        for emoji in emojis:
            self._forms.setdefault(_LOOKS.sub("", emoji), emoji)

    def find(self, emoji: str) -> str | None:
        """The palette's form of an emoji; None for one that it does not have.

        Variation selectors make no difference, and a skin tone none where the palette does not have it.
        """
        bare = _LOOKS.sub("", emoji)
        return self._forms.get(bare) or self._forms.get(_SKIN_TONES.sub("", bare))
