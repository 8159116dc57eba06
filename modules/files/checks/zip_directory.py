"""The directory of a zip, which stands at its end: read without the rest, and without unpacking anything."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Collection
from typing import Final

# The end of a directory, with the longest comment behind it, and room for the directory of an ordinary document.
TAIL: Final = 128 * 1024
# The longest directory that is read: some 40,000 entries. The shortest entries make it 90,000, and half a second.
MOST: Final = 4 * 1024 * 1024
# Programs inside of documents.
MACROS: Final = "vbaproject.bin"

# The bytes from a place on, up to another one.
Read = Callable[[int, int], Awaitable[bytes]]


class BrokenZip(Exception):
    """It has no directory, or one that is not read."""


class _Missing(Exception):
    """The directory begins before what is known."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start


class _Tail(io.BytesIO):
    """A file of which only the end is known."""

    def __init__(self, size: int, tail: bytes) -> None:
        super().__init__(tail)
        self._known_from = size - len(tail)
        self._size = size
        self._place = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._place, self._size)[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        if self._place < self._known_from:
            raise _Missing(self._place)
        super().seek(self._place - self._known_from)
        found = super().read(size)
        self._place += len(found)
        return found


async def entries(size: int, read: Read) -> list[str]:
    """The names in a zip of `size` bytes. Raises BrokenZip.

    They are read in a thread: a long directory takes a while, and whoever made it may want it to.
    """
    start = max(0, size - TAIL)
    tail = await read(start, size)
    try:
        return await asyncio.to_thread(_names, size, tail)
    except _Missing as missing:
        if size - missing.start > MOST:
            raise BrokenZip("its directory is too long") from None
        start = missing.start
    tail = await read(start, size)
    try:
        return await asyncio.to_thread(_names, size, tail)
    except _Missing:
        raise BrokenZip("its directory is not in one piece") from None


def _names(size: int, tail: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(_Tail(size, tail)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise BrokenZip(str(error)) from error


def holds(names: Collection[str], beginnings: Collection[str]) -> bool:
    """Whether for each of these an entry begins so."""
    return all(any(name.startswith(beginning) for name in names) for beginning in beginnings)


def has_macros(names: Collection[str]) -> bool:
    return any(name.rpartition("/")[2].lower() == MACROS for name in names)
