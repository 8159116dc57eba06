"""What files tells other modules."""

from __future__ import annotations

from typing import Final

import msgspec


class FileStored(msgspec.Struct, frozen=True, tag="files.FileStored"):
    """An upload was checked and is quarantined."""

    file_id: str
    purpose: str
    owner_id: str


class FileCleared(msgspec.Struct, frozen=True, tag="files.FileCleared"):
    """A file may be read by others now."""

    file_id: str
    purpose: str
    owner_id: str


class FileRejected(msgspec.Struct, frozen=True, tag="files.FileRejected"):
    """A check or the scanner refused a file; `reason` is a stable word, such as `infected`."""

    file_id: str
    purpose: str
    owner_id: str
    reason: str


class FileRendered(msgspec.Struct, frozen=True, tag="files.FileRendered"):
    """Pictures were made of an image, such as its thumbnail."""

    file_id: str
    purpose: str
    owner_id: str


class FileUnreferenced(msgspec.Struct, frozen=True, tag="files.FileUnreferenced"):
    """Nothing holds a file any more, so it is deleted after a while. For files itself."""

    file_id: str


class ScanDue(msgspec.Struct, frozen=True, tag="files.ScanDue"):
    """The scan of a file failed before, and is to be tried again. For files itself."""

    file_id: str


EVENTS: Final = (FileStored, FileCleared, FileRejected, FileRendered, FileUnreferenced, ScanDue)
