"""A file as its row is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from modules.files.facade import FileFacts, Shown
from modules.files.states import FileState

THUMBNAIL: Final = "thumbnail"
SQUARE: Final = "square"
# The types of the pictures that are made of a file, by their names.
RENDITION_TYPES: Final = {THUMBNAIL: "image/webp", "page": "image/jpeg", SQUARE: "image/webp"}


class FileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `file`, without what its holders say."""

    id: str
    owner_id: str
    purpose: str
    target: str
    quota: str = ""
    name: str
    type: str
    size: int
    sha256: str
    object_key: str
    upload_id: str | None = None
    part_bytes: int | None = None
    state: FileState = FileState.PENDING
    reason: str = ""
    width: int | None = None
    height: int | None = None
    renditions: tuple[str, ...] = ()
    begun_at: datetime
    expires_at: datetime
    stored_at: datetime | None = None
    cleared_at: datetime | None = None
    unheld_at: datetime | None = None
    deleting_at: datetime | None = None
    removed_at: datetime | None = None
    rev: int = 1

    @property
    def is_gone(self) -> bool:
        """Whether its object is deleted, or about to be, and nobody needs to know why."""
        return self.state is FileState.DELETED or (
            self.deleting_at is not None and self.state is not FileState.REJECTED
        )

    @property
    def parts(self) -> int:
        """How many parts it is uploaded in; 0 for one that is uploaded whole."""
        return -(-self.size // self.part_bytes) if self.part_bytes else 0

    def rendition_key(self, name: str) -> str:
        """The key of a picture that was made of it."""
        return f"{self.object_key}-{name}"

    def facts(self, holders: tuple[str, ...] = ()) -> FileFacts:
        return FileFacts(
            id=self.id,
            owner_id=self.owner_id,
            purpose=self.purpose,
            target=self.target,
            name=self.name,
            type=self.type,
            size=self.size,
            sha256=self.sha256,
            state=self.state,
            begun_at=self.begun_at,
            stored_at=self.stored_at,
            width=self.width,
            height=self.height,
            renditions=self.renditions,
            holders=holders,
        )


def shown(file: FileFacts) -> Shown:
    """The file as it stands inside of what others see."""
    return Shown(
        file.id, file.name, file.type, file.size, file.state, file.width, file.height, THUMBNAIL in file.renditions
    )
