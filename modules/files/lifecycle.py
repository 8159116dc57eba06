"""The steps of a file: each writes the row, tells the owner and publishes the event, in one transaction.

A step that another process took already, or that does not fit any more, writes nothing (`states.STEPS`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from modules.accounts.facade import user_room
from modules.files.events import FileCleared, FileRejected, FileStored
from modules.files.facade import Purpose
from modules.files.messages import FILE, file_view
from modules.files.records import FileRecord
from modules.files.repository import FileRepository
from modules.files.states import FileStep

EVENTS: Final[dict[FileStep, Callable[[FileRecord], msgspec.Struct]]] = {
    FileStep.COMPLETE: lambda file: FileStored(file.id, file.purpose, file.owner_id),
    FileStep.RESCAN: lambda file: FileStored(file.id, file.purpose, file.owner_id),
    FileStep.PASS: lambda file: FileCleared(file.id, file.purpose, file.owner_id),
    FileStep.REJECT: lambda file: FileRejected(file.id, file.purpose, file.owner_id, file.reason),
}


class FileLifecycle:
    """Each call raises Unavailable without PostgreSQL, and joins a transaction around it."""

    pushes = (FILE,)

    def __init__(self, kernel: Kernel, files: FileRepository) -> None:
        self._kernel = kernel
        self._files = files

    async def store(self, id: str, width: int | None = None, height: int | None = None) -> FileRecord | None:
        """The object was checked: the file is quarantined now. None when it is not pending any more."""
        return await self._step(id, FileStep.COMPLETE, width=width, height=height)

    async def clear(self, id: str) -> FileRecord | None:
        """The scanner found nothing, or none is used. None when it is not quarantined."""
        return await self._step(id, FileStep.PASS)

    async def reject(self, id: str, reason: str) -> FileRecord | None:
        """A check or the scanner refused it, for a stable word.

        Its object is to be deleted when `deleting_at` says so: not while something holds it whose purpose keeps it.
        """
        keeping = [purpose.name for purpose in self._kernel.contributed(Purpose) if purpose.keeps_refused]
        return await self._step(id, FileStep.REJECT, reason=reason, keeping=keeping)

    async def scan_again(self, id: str) -> FileRecord | None:
        """Put a rejected file whose object was kept back into quarantine. None when it is not such a file."""
        return await self._step(id, FileStep.RESCAN, reason="")

    async def begin_deletion(self, id: str) -> FileRecord | None:
        """From now on nothing may hold it, and its object is deleted. None when something holds it."""
        async with self._kernel.database.transaction():
            # A statement that waits for the lock would not see who has begun to hold it meanwhile.
            await self._files.lock(id)
            return await self._files.begin_deletion(id, clock.now())

    async def delete(self, id: str) -> FileRecord | None:
        """The bucket has said that the object is gone."""
        return await self._step(id, FileStep.DELETE)

    async def tell(self, file: FileRecord) -> None:
        """Push the file to its owner, inside the transaction that changed its row and its `rev`."""
        await self._kernel.rooms.publish_row(user_room(file.owner_id), FILE, file_view(file))

    async def _step(
        self,
        id: str,
        step: FileStep,
        *,
        reason: str | None = None,
        width: int | None = None,
        height: int | None = None,
        keeping: Collection[str] = (),
    ) -> FileRecord | None:
        async with self._kernel.database.transaction():
            # Otherwise a step that waits for another transaction would not see what has begun to hold the file in it.
            await self._files.lock(id)
            file = await self._files.step(
                id, step, clock.now(), reason=reason, width=width, height=height, keeping=keeping
            )
            if file is None:
                return None
            if (event := EVENTS.get(step)) is not None:
                await self._kernel.events.publish(event(file))
            await self.tell(file)
        return file
