"""How much may be stored: by a user in all, and in what a purpose counts it in, such as a program."""

from __future__ import annotations

from modules.files.errors import quota_exceeded
from modules.files.repository import FileRepository
from modules.files.settings import FilesSettings


class Quotas:
    """Files on their way count, those that are gone from the bucket do not."""

    def __init__(self, files: FileRepository, settings: FilesSettings) -> None:
        self._files = files
        self._settings = settings

    async def lock(self, owner_id: str, quota: str) -> None:
        """Let nobody else use of these until the transaction ends."""
        await self._files.lock_quotas([f"user:{owner_id}", *([quota] if quota else [])])

    async def check(self, owner_id: str, quota: str, size: int) -> None:
        """Raises Conflict `files.quota_exceeded`."""
        if (left := self._settings.user_quota - await self._files.used_by(owner_id)) < size:
            raise quota_exceeded("yours", max(0, left))
        if quota and (left := self._settings.program_quota - await self._files.used_in(quota)) < size:
            raise quota_exceeded(quota.partition(":")[0], max(0, left))
