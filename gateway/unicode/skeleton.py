"""Whether two names look alike: the skeletons of UTS #39, "Unicode Security Mechanisms", section 4."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from typing import Final

from gateway.unicode.invisible import INVISIBLE
from gateway.unicode.normal import normal

DATA: Final = "confusables.txt"


def skeleton(text: str) -> str:
    """One form for all texts that look the same, as `раураl` with Cyrillic letters and `paypal`; not for showing."""
    visible = INVISIBLE.sub("", normal("NFD", text))
    return normal("NFD", visible.translate(_prototypes()))


@lru_cache(maxsize=20_000)
def looks(name: str) -> frozenset[str]:
    """The skeletons of a name as it is and in lower case. Two names look alike when they have one in common."""
    folded = normal("NFC", name).casefold()
    return frozenset((skeleton(name), skeleton(folded)))


@cache
def _prototypes() -> dict[int, str]:
    """What each character looks like, read once, when the first skeleton is asked for."""
    found: dict[int, str] = {}
    for line in resources.files(__package__).joinpath(DATA).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            char, _, prototype = line.partition(";")
            found[int(char, 16)] = "".join(chr(int(code, 16)) for code in prototype.split())
    return found
