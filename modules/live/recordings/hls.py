"""HLS playlists (RFC 8216) of a recording: each URI in a playlist is resolved inside of the recording, and replaced.

A playlist is read line by line. What is no URI stays as it was written, whether the tag is known or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from modules.live.errors import Unplayable

SUFFIX: Final = ".m3u8"
MEDIA_TYPE: Final = "application/vnd.apple.mpegurl"
# Nothing that begins with a dot, is absolute, or could be read in two ways: no scheme, query, escape or backslash.
NAME: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
PATH: Final = re.compile(rf"(?:{NAME}/)*{NAME}", re.ASCII)
LONGEST: Final = 512
# `X-ASSET-URI="…"` and the like of a tag, too. A quoted value may hold anything but a quote.
ATTRIBUTE: Final = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)')


def is_path(text: str) -> bool:
    """Whether the text names an object below a recording's prefix, and cannot name one elsewhere."""
    return len(text) <= LONGEST and PATH.fullmatch(text) is not None


def is_playlist(path: str) -> bool:
    return path.endswith(SUFFIX)


def rewritten(playlist: bytes, path: str, address: Callable[[str], str]) -> bytes:
    """The playlist at `path` with `address(path)` in place of each URI, where every path is below the same prefix.

    Raises Unplayable.
    """
    try:
        lines = playlist.decode().split("\n")
    except UnicodeDecodeError:
        raise Unplayable("it is not text") from None
    if lines[0].rstrip() != "#EXTM3U":
        raise Unplayable("it does not begin like a playlist")
    folder = path[: path.rfind("/") + 1]
    # Where segments are ranges of one object, the playlist names that object thousands of times.
    known: dict[str, str] = {}

    def placed(uri: str) -> str:
        if uri not in known:
            if not is_path(folder + uri):
                raise Unplayable(f"it names {uri[:100]!r}")
            known[uri] = address(folder + uri)
        return known[uri]

    def attribute(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        if not name.endswith("URI"):
            return found[0]
        if len(value) < 2 or value[0] != '"':
            raise Unplayable("it has a URI without quotes")
        return f'{name}="{placed(value[1:-1])}"'

    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith("#EXT"):
            if "URI" in text:
                lines[number] = ATTRIBUTE.sub(attribute, text)
        elif text and not text.startswith("#"):
            lines[number] = placed(text)
    return "\n".join(lines).encode()
