"""The size of a photograph that a phone has written as HEIF, read from the beginning of the file.

`imagesize` reads no file whose picture is turned: it takes the property `irot` for longer than it is. Phones turn
nearly every picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

UNKNOWN: Final = (-1, -1)


def heif_size(head: bytes) -> tuple[int, int]:
    """Width and height as the picture is shown, before its edges are cut off; UNKNOWN when they cannot be read."""
    try:
        for kind, content in _boxes(head):
            if kind == b"meta":
                return _of_primary_item(content[4:])
    except (struct.error, KeyError, IndexError):
        return UNKNOWN
    return UNKNOWN


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents of the boxes in a row. The last one may be cut."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        start = place + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        elif size == 0:
            size = len(data) - place
        if place + size < start:
            return
        yield kind, data[start : place + size]
        place += size


def _of_primary_item(meta: bytes) -> tuple[int, int]:
    parts = dict(_boxes(meta))
    which = parts[b"pitm"]
    (primary,) = struct.unpack_from(">I" if which[0] else ">H", which, 4)
    properties: list[tuple[bytes, bytes]] = []
    places: list[int] = []
    for kind, content in _boxes(parts[b"iprp"]):
        if kind == b"ipco":
            properties = list(_boxes(content))
        elif kind == b"ipma":
            places = _places(content).get(primary, places)
    size, turned = UNKNOWN, False
    for place in places:
        # Place 0 means no property.
        kind, content = properties[place - 1] if place else (b"", b"")
        if kind == b"ispe":
            size = struct.unpack_from(">II", content, 4)
        elif kind == b"irot":
            # Quarter turns: after one or three of them the sides have changed places.
            turned = bool(content[0] & 1)
    return (size[1], size[0]) if turned else size


def _places(table: bytes) -> dict[int, list[int]]:
    """By item, the places of its properties, counted from 1."""
    version, wide = table[0], table[3] & 1
    (items,) = struct.unpack_from(">I", table, 4)
    places: dict[int, list[int]] = {}
    at = 8
    for _ in range(items):
        item, count = struct.unpack_from(">IB" if version else ">HB", table, at)
        at += 5 if version else 3
        # The highest bit says whether a reader must know the property.
        row = struct.unpack_from(f">{count}{'H' if wide else 'B'}", table, at)
        places[item] = [place & (0x7FFF if wide else 0x7F) for place in row]
        at += count * (2 if wide else 1)
    return places
