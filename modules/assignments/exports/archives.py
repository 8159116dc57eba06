"""Sends the archive of an assignment: piece by piece, so no gateway ever holds one.

The first bytes are made before the answer begins. So S3 that does not answer is a 503, and no download that breaks off
at once.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Limited, Unavailable, invalid
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.assignments.access import AssignmentAccess
from modules.assignments.exports import metrics
from modules.assignments.exports.archive import Archive
from modules.assignments.exports.archive_leases import ArchiveLeases
from modules.assignments.exports.manifest import ArchiveHead
from modules.assignments.exports.submitted_works import SubmittedWorks, zone_of
from modules.assignments.settings import ExportSettings
from modules.files.facade import of

log = structlog.get_logger(__name__)

LEASE: Final = 60.0
RETRY: Final = 30.0


class Archives:
    """Each call raises Unavailable."""

    def __init__(
        self, kernel: Kernel, settings: ExportSettings, access: AssignmentAccess, works: SubmittedWorks
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._works = works
        self._leases = ArchiveLeases(kernel.database, LEASE)
        self._writing = asyncio.Semaphore(settings.archives_at_once)

    async def begun(self, principal: Principal, assignment_id: str) -> tuple[str, AsyncGenerator[bytes]]:
        """The title of the assignment, and the bytes of its archive; whoever takes them closes them.

        Raises Refused `forbidden`, BadInput `not_found` and `invalid`, and Limited `assignments.archive_busy`.
        """
        assignment = await self._access.teaching(principal, assignment_id)
        listed = await self._works.listed(assignment)
        if len(listed) > self._settings.archive_submissions:
            raise invalid(f"an archive has at most {self._settings.archive_submissions} submissions")
        if self._writing.locked():
            raise _busy("this gateway sends enough archives now")
        claim = await self._leases.claim(principal.id)
        if claim is None:
            raise _busy("another archive of yours is on its way")
        head = ArchiveHead(assignment.id, assignment.title, zone_of(assignment), clock.now())
        archive = Archive(of(self._kernel), head)
        pieces = self._pieces(principal.id, claim, archive.pieces(self._works.batches(assignment, listed)))
        try:
            first = await anext(pieces)
            async with self._kernel.database.transaction():
                details = {"submissions": len(listed)}
                await record(self._kernel.database, principal, "assignments.archive", assignment.id, details)
        except BaseException:
            await pieces.aclose()
            raise
        return assignment.title, _rest(first, pieces)

    async def _pieces(self, user_id: str, claim: uuid.UUID, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        outcome, renewed = "broken_off", time.monotonic()
        try:
            async with self._writing, aclosing(pieces):
                async for piece in pieces:
                    if piece:
                        yield piece
                    if time.monotonic() - renewed > LEASE / 3:
                        renewed = time.monotonic()
                        if not await self._leases.renew(user_id, claim):
                            raise Unavailable("this archive was held up for so long that another took its place")
            outcome = "sent"
        except Exception as error:
            # The head of the answer is sent, so all that is left is to end the connection before the archive ends.
            log.warning("archive.broken_off", user=user_id, error=repr(error))
            raise
        finally:
            metrics.archives.labels(outcome).inc()
            await asyncio.shield(self._leases.release(user_id, claim))


async def _rest(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


def _busy(why: str) -> Limited:
    return Limited(why, retry_after=RETRY, code="assignments.archive_busy")
