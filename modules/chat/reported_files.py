"""The files of reported messages: kept for those who decide until they have, also when the message is deleted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Kernel
from modules.chat.pushes import ReportView
from modules.files import facade as files
from modules.files.facade import FileState, Shown

# The purpose that all files of a room are uploaded for.
ATTACHMENT: Final = "chat.attachment"
REPORT_HOLDER: Final = "chat.report:"
STORED: Final = (FileState.QUARANTINED, FileState.CLEAN)


class ReportedFiles:
    """Each call raises Unavailable. A message without files costs nothing."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def keep(self, report: ReportView, shown: Sequence[Shown]) -> ReportView:
        """Hold the files of the reported message, as far as they are there; inside a transaction."""
        if not shown:
            return report
        storage = files.of(self._kernel)
        found = await storage.facts([file.id for file in shown])
        there = [file.id for file in shown if file.id in found and found[file.id].state in STORED]
        held = await storage.attach(_holder(report.id), there, purpose=ATTACHMENT, owner_id=None)
        return msgspec.structs.replace(report, files=tuple(storage.shown(file) for file in held))

    async def shown(self, reports: Sequence[ReportView]) -> tuple[ReportView, ...]:
        """The reports with the files that are kept for them."""
        storage = files.of(self._kernel)
        held = await storage.held([_holder(report.id) for report in reports])
        return tuple(
            msgspec.structs.replace(report, files=tuple(map(storage.shown, held.get(_holder(report.id), ()))))
            for report in reports
        )

    async def release(self, reports: Collection[UUID]) -> None:
        """Let go of what is held for these; inside a transaction."""
        if reports:
            await files.of(self._kernel).detach([_holder(id) for id in reports])


def _holder(id: UUID) -> str:
    return f"{REPORT_HOLDER}{id}"
