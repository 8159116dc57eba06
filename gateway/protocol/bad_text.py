"""Finds the rest of a message whose texts are not all Unicode: half an emoji, or bytes that are no UTF-8.

Each bad part becomes U+FFFD, or question marks. The result is read for the message's `id` and for nothing else: a text
that its author did not write goes nowhere.
"""

from __future__ import annotations

import re
from typing import Final

# An escaped backslash, a pair of surrogates, or half of one.
_ESCAPES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)

# The bytes of a msgpack value that follow its first byte, and of a string the bytes that its length takes.
_STRINGS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BINARIES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED: Final = {
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
    0xD4: 2,
    0xD5: 3,
    0xD6: 5,
    0xD7: 9,
    0xD8: 17,
    0xDC: 2,
    0xDD: 4,
    0xDE: 2,
    0xDF: 4,
}


def mended_json(data: bytes) -> bytes:
    """The same JSON with all of its texts Unicode."""
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], data.decode(errors="replace").encode())


def mended_msgpack(data: bytes) -> bytes:
    """The same msgpack with all of its strings UTF-8, each as long as before."""
    mended = bytearray(data)
    at = 0
    # Arrays and maps hold nothing of their own but a count, so their items follow as if there were no nesting.
    while at < len(data):
        first = data[at]
        at += 1
        if first in _STRINGS or 0xA0 <= first <= 0xBF:
            width = _STRINGS.get(first, 0)
            length = int.from_bytes(data[at : at + width]) if width else first - 0xA0
            at += width
            try:
                data[at : at + length].decode()
            except UnicodeDecodeError:
                mended[at : at + length] = b"?" * len(data[at : at + length])
            at += length
        elif first in _BINARIES:
            width = _BINARIES[first]
            # The type of an extension takes a byte.
            at += width + int.from_bytes(data[at : at + width]) + (first >= 0xC7)
        else:
            at += _FIXED.get(first, 0)
    return bytes(mended)
