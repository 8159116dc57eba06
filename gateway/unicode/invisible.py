"""Characters that show nothing, and those that change what is shown around them."""

from __future__ import annotations

import re
from typing import Final

# All that follows stands inside of the brackets of a regular expression, as ECMA-262 writes it too.

# Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 15), with its reserved code points.
DEFAULT_IGNORABLE: Final = (
    r"\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# No default ignorables, and still blank in every font: a braille pattern without dots, a note without a head, and marks
# of annotations. Egyptian joiners arrange the signs around them.
BLANK: Final = r"\u2800\ufff9-\ufffb" "\U0001d159\U00013430-\U0001343f"

INVISIBLE: Final = re.compile(f"[{DEFAULT_IGNORABLE}{BLANK}]")
CONTROLS: Final = r"\x00-\x1f\x7f-\x9f"
VISIBLE: Final = re.compile(f"[^\\s{CONTROLS}{DEFAULT_IGNORABLE}{BLANK}]")

# Direction overrides show letters in another order than they stand in. Embeddings and isolates do no harm in a text,
# but a name or title is put among others, whose order they would change.
OVERRIDES: Final = r"\u202d\u202e"
DIRECTIONS: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"

# The invisible characters that no writing needs. Left are the joiners (Hindi, Persian, emoji), the marks and isolates
# of direction, the variation selectors, and the tags, of which some flags are made.
STRAY: Final = re.compile(
    "[\u00ad\u034f\u115f-\u1160\u17b4-\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)


def shows_something(text: str) -> bool:
    """Whether at least one character of the text can be seen."""
    return VISIBLE.search(text) is not None
