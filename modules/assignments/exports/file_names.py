"""Names inside of an archive: what a person wrote, made safe for every file system that it may be unpacked on.

A name is one step of a path: it has no separators, and never leads out of its folder. Letters of all scripts stay. What
Windows, macOS or Linux would refuse, or take for a device, an option or something hidden, is replaced.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.unicode.invisible import CONTROLS, DIRECTIONS, STRAY
from gateway.unicode.normal import normal

MOST_LETTERS: Final = 80
# Linux takes 255 bytes; what makes a name unique still has to fit.
MOST_BYTES: Final = 200
MOST_SUFFIX: Final = 12

# Directions would show `fdp.exe` as `exe.pdf`.
UNSEEN: Final = re.compile(f"[{CONTROLS}{DIRECTIONS}\u2028\u2029]")
REFUSED: Final = re.compile(r'[<>:"/\\|?*]')
# Devices of Windows, whatever stands behind the first dot.
DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])( *\..*)?", re.IGNORECASE | re.DOTALL)


def safe_name(text: str, otherwise: str) -> str:
    """The text as the name of a file or a folder; `otherwise` where nothing of it is left."""
    seen = REFUSED.sub("_", STRAY.sub("", UNSEEN.sub("", normal("NFC", text))))
    # Windows drops blanks and dots at the end, so two names would be one.
    name = " ".join(seen.split()).rstrip(". ")
    if not name.strip("._ "):
        return otherwise
    name = _shortened(name)
    if DEVICE.fullmatch(name) or name[0] in ".-~":
        name = f"_{name}"
    return name


class UniqueNames:
    """The names of one folder: each is given once, also where capitals and the way of writing accents do not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """The name, or the name with a number that nobody has."""
        stem, suffix = split(name)
        found, number = name, 1
        while _folded(found) in self._taken:
            number += 1
            found = f"{stem} ({number}){suffix}"
        self._taken.add(_folded(found))
        return found


def split(name: str) -> tuple[str, str]:
    """What stands before the last dot, and the suffix with its dot; no suffix where it is none."""
    stem, dot, suffix = name.rpartition(".")
    if not stem.strip("._ ") or not suffix.isalnum() or len(suffix) > MOST_SUFFIX:
        return name, ""
    return stem, dot + suffix


def _shortened(name: str) -> str:
    stem, suffix = split(name)
    room = MOST_BYTES - len(suffix.encode())
    shown = stem[: MOST_LETTERS - len(suffix)].encode()[:room].decode(errors="ignore")
    # Not in the middle of a letter: marks belong to what stands before them.
    rest = stem[len(shown) :]
    while rest and shown and unicodedata.category(rest[0]).startswith("M"):
        rest, shown = shown[-1] + rest, shown[:-1]
    return (shown.rstrip(". ") or "_") + suffix


def _folded(name: str) -> str:
    return normal("NFC", normal("NFC", name).casefold())
