"""Looks for messages with files whose storing nobody saw: the log did not answer, or the gateway ended meanwhile.

When such a message may be stored no more, since the log's window for repeats is over, the newest messages of the room
tell whether it was. If it was not, its files are let go. In doubt they stay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.tasks import repeat
from modules.chat.attachment_repository import Attachment, AttachmentRepository, holder_of
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import VERSIONS, post_of
from modules.files import facade as files

log = structlog.get_logger(__name__)

INTERVAL: Final = 60.0
# More than a busy class writes in the time of doubt.
NEWEST: Final = 5000


class AttachmentCheck:
    """The worker of one gateway. Any number of them may run: each step changes nothing when it was done before."""

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self._kernel = kernel
        self._doubt = timedelta(seconds=settings.attachment_doubt)
        self._rows = AttachmentRepository(kernel.database)

    async def run(self) -> None:
        """Check what is due once a minute, until cancelled."""
        await repeat("attachments.check", self.check, INTERVAL, at_once=False)

    async def check(self) -> None:
        """Settle or release what is in doubt; raises Unavailable."""
        for row in await self._rows.unsettled(clock.now() - self._doubt):
            await self._check(row)

    async def _check(self, row: Attachment) -> None:
        storage, holder = files.of(self._kernel), holder_of(row.room, row.message_id)
        held = {file.id for file in (await storage.held([holder])).get(holder, ())}
        newest = await self._kernel.rooms.recent(row.room, NEWEST, VERSIONS)
        for post in map(post_of, newest):
            if held & {file.id for file in post.files}:
                await self._rows.settle(row.message_id, post.seq)
                return
        if len(newest) == NEWEST and newest[0].at / 1000 > row.sent_at.timestamp():
            log.warning("attachments.in_doubt", room=row.room, message=row.message_id)
            return
        async with self._kernel.database.transaction():
            await storage.detach(await self._rows.end_one(row.message_id, clock.now()))
        log.info("attachments.released", room=row.room, message=row.message_id)
