"""What mentors attach to an assignment: files of the purpose `assignments.material`.

The program is the target of an upload, because the assignment may not be written yet. Who sees an open assignment reads
its files; those that no assignment holds yet are read by who uploaded them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, invalid
from gateway.principal import Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.effective import EffectiveDateReader
from modules.assignments.records import Assignment
from modules.assignments.settings import AssignmentsSettings
from modules.files import facade as files
from modules.files.facade import Allowance, FileFacts, Purpose, Shown

MATERIAL: Final = "assignments.material"
HOLDER: Final = "assignments.assignment:"
TYPES: Final = (
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.text",
    "application/zip",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/svg+xml",
    "text/plain",
    "text/csv",
    "text/html",
    "audio/mpeg",
    "audio/mp4",
    "video/mp4",
    "video/webm",
)


class Materials:
    """Each call raises Unavailable."""

    def __init__(self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._dates = EffectiveDateReader(kernel.database)
        self.contributions = (Purpose(name=MATERIAL, admit=self._admit, may_read=self._may_read, thumbnails=True),)

    async def attach(self, principal: Principal, assignment: Assignment, file_ids: Sequence[str]) -> None:
        """Have the assignment hold these files, in place of those before. Raises what `Files.attach` raises."""
        if len(file_ids) > self._settings.materials:
            raise invalid(f"an assignment has at most {self._settings.materials} files", field="files")
        held = await files.of(self._kernel).attach(
            f"{HOLDER}{assignment.id}", file_ids, purpose=MATERIAL, owner_id=principal.id
        )
        if any(file.target != assignment.program_id for file in held):
            raise invalid("a file was uploaded for another program", field="files")

    async def detach(self, assignment_id: str) -> None:
        await files.of(self._kernel).detach([f"{HOLDER}{assignment_id}"])

    async def of(self, assignment_id: str) -> tuple[Shown, ...]:
        """The files that the assignment holds, in their order."""
        storage = files.of(self._kernel)
        holder = f"{HOLDER}{assignment_id}"
        return tuple(storage.shown(file) for file in (await storage.held([holder])).get(holder, ()))

    async def _admit(self, principal: Principal, target: str) -> Allowance:
        await self._access.teaches_program(principal, target)
        return Allowance(TYPES, self._settings.file_bytes, f"program:{target}")

    async def _may_read(self, principal: Principal, file: FileFacts) -> bool:
        for holder in file.holders:
            if holder.startswith(HOLDER):
                try:
                    seen = await self._access.seen(principal, holder.removeprefix(HOLDER))
                except BadInput:
                    continue
                if seen.teaches or await self._dates.opened(seen.assignment, principal.id, clock.now()):
                    return True
        return False
