"""Deletes what the bucket has of a file, and proves it: the row says so after the bucket has."""

from __future__ import annotations

from typing import Final

import structlog

from gateway import clock
from gateway.errors import Unavailable
from modules.files.lifecycle import FileLifecycle
from modules.files.records import FileRecord
from modules.files.repository import FileRepository
from modules.files.states import FileState
from modules.files.storage.s3 import Bucket

log = structlog.get_logger(__name__)

# A file has its object, and a picture or two.
MOST: Final = 100
# How the keys of all files begin.
ROOT: Final = "files/"


def folder_of(id: str) -> str:
    """How the keys of all objects of a file begin."""
    return f"{ROOT}{id}/"


class Removal:
    """For files whose deletion has begun (`FileLifecycle.begin_deletion`), and rejected ones."""

    def __init__(self, files: FileRepository, lifecycle: FileLifecycle, bucket: Bucket) -> None:
        self._files = files
        self._lifecycle = lifecycle
        self._bucket = bucket

    async def remove(self, file: FileRecord) -> None:
        """Done again it changes nothing. Raises Unavailable; then it is done again later."""
        if file.upload_id is not None:
            await self._bucket.abort_parts(file.object_key, file.upload_id)
        while objects := await self._bucket.objects(folder_of(file.id), "", MOST):
            for one in objects:
                await self._bucket.delete(one.key)
        if file.state is FileState.REJECTED:
            # The row stays for its owner, who reads why.
            await self._files.removed(file.id, clock.now())
        else:
            await self._lifecycle.delete(file.id)

    async def try_to_remove(self, file: FileRecord) -> bool:
        """Remove what is to be deleted, now if S3 answers. Else the sweep does it; nobody reads the file any more."""
        if file.deleting_at is None:
            return False
        try:
            await self.remove(file)
        except Unavailable:
            log.warning("file.not_removed", file=file.id)
            return False
        return True
