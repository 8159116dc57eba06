"""Whether a text has a link in it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Endings of names that people write without a scheme; of others a path shows that they are meant as links.
ENDINGS: Final = (
    "com|org|net|edu|gov|io|in|co|me|tv|gg|ly|app|dev|info|biz|xyz|site|online|live|link|shop|club|uk|us|ru|cn"
)
LINK: Final = re.compile(
    rf"[a-z][a-z0-9+.-]*://\S|\bwww\.\S|(?<![\w@.-])(?:[\w-]+\.)+(?:(?:{ENDINGS})\b(?!\.\w)|[a-z]{{2,}}/\S)",
    re.IGNORECASE,
)


def has_link(text: str) -> bool:
    """Also where it is written in wide letters, or with characters in between that nobody sees."""
    plain = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return LINK.search(unicodedata.normalize("NFKC", plain)) is not None
