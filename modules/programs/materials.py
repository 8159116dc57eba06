"""Materials: the files of lessons. Who may upload one for a program, and who may read it."""

from __future__ import annotations

from typing import Final

from gateway.contract import Kernel
from gateway.errors import BadInput, forbidden
from gateway.principal import Principal
from modules.files.facade import (
    AUDIO_TYPES,
    DOCUMENT_TYPES,
    PICTURE_TYPES,
    VIDEO_TYPES,
    Allowance,
    FileFacts,
    Purpose,
)
from modules.programs.access import ProgramAccess, edits
from modules.programs.facade import part_of
from modules.programs.settings import ProgramsSettings

MATERIAL: Final = "programs.material"
HOLDER: Final = "programs.lesson:"
TYPES: Final = (*DOCUMENT_TYPES, *PICTURE_TYPES, *VIDEO_TYPES, *AUDIO_TYPES, "text/plain")


def holder_of(lesson_id: str) -> str:
    """What holds the files of a lesson."""
    return f"{HOLDER}{lesson_id}"


class Materials:
    """The purpose `programs.material`; its target is a program's id."""

    def __init__(self, kernel: Kernel, settings: ProgramsSettings, access: ProgramAccess) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self.contributions = (Purpose(name=MATERIAL, admit=self.admit, may_read=self.may_read, thumbnails=True),)

    async def admit(self, principal: Principal, program_id: str) -> Allowance:
        """Raises BadInput `not_found`, Refused `forbidden` for a user who may not change the program, Unavailable."""
        program = await self._access.visible(principal, program_id)
        if not edits(principal, program):
            raise forbidden("only its mentors add materials to a program")
        return Allowance(TYPES, self._settings.material_bytes, quota=f"program:{program_id}")

    async def may_read(self, principal: Principal, file: FileFacts) -> bool:
        """Whoever may read a lesson may read its files. What no lesson holds any more is for the program's mentors."""
        try:
            program = await self._access.visible(principal, file.target)
        except BadInput:
            return False
        if edits(principal, program):
            return True
        held = any(holder.startswith(HOLDER) for holder in file.holders)
        return held and await part_of(self._kernel.database, principal, file.target) is not None
