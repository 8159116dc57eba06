"""A file as its row is."""

from __future__ import annotations

from datetime import datetime

import msgspec

from modules.files.facade import FileFacts, Shown
from modules.files.states import FileState

THUMBNAIL = "thumbnail"


class FileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `file`, without what its holders say."""

    id: str
    owner_id: str
    purpose: str
    target: str
    quota: str
    name: str
    type: str
    size: int
    sha256: str
    object_key: str
    upload_id: str | None
    part_bytes: int | None
    state: FileState
    reason: str
    width: int | None
    height: int | None
    renditions: tuple[str, ...]
    begun_at: datetime
    expires_at: datetime
    stored_at: datetime | None
    cleared_at: datetime | None
    unheld_at: datetime | None
    deleting_at: datetime | None
    removed_at: datetime | None
    rev: int

    @property
    def parts(self) -> int:
        """How many parts it is uploaded in; 0 for one that is uploaded whole."""
        return -(-self.size // self.part_bytes) if self.part_bytes else 0

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
