"""An admin has a file scanned again that the scanner refused, perhaps wrongly, and whose object was kept."""

from __future__ import annotations

from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.files.errors import rejected
from modules.files.lifecycle import FileLifecycle
from modules.files.messages import FileView, file_view
from modules.files.repository import FileRepository


class Rescans:
    def __init__(self, kernel: Kernel, files: FileRepository, lifecycle: FileLifecycle) -> None:
        self._kernel = kernel
        self._files = files
        self._lifecycle = lifecycle

    async def scan_again(self, admin: Principal, id: str) -> FileView:
        """Put it back into quarantine, and scan it. Recorded in the audit.

        Raises BadInput `not_found`, Conflict `files.rejected` for a file that is not rejected or whose object is gone,
        and Unavailable.
        """
        async with self._kernel.database.transaction():
            if await self._files.find(id) is None:
                raise not_found("there is no such file")
            file = await self._lifecycle.scan_again(id)
            if file is None:
                raise rejected("only a rejected file whose object was kept is scanned again")
            await record(self._kernel.database, admin, "files.rescan", id)
        return file_view(file)
