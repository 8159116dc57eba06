"""Finds links in a text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Top-level domains that people write without a scheme. A name with another ending is a link when a path follows it.
ENDINGS: Final = (
    "com|org|net|edu|gov|io|in|co|me|tv|gg|ly|app|dev|info|biz|xyz|site|online|live|link|shop|club|uk|us|ru|cn"
)
LINK: Final = re.compile(
    rf"[a-z][a-z0-9+.-]*://\S|\bwww\.\S|(?<![\w@.-])(?:[\w-]+\.)+(?:(?:{ENDINGS})\b(?!\.\w)|[a-z]{{2,}}/\S)",
    re.IGNORECASE,
)


def has_link(text: str) -> bool:
    """Whether the text has a link, also one in wide letters or with invisible characters in between."""
    plain = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return LINK.search(unicodedata.normalize("NFKC", plain)) is not None
