"""What IVS says has happened, from a queue: late, twice, out of order, or never.

An event that was handled is known by its id. It is taken off the queue after what it caused is committed, so that one
in the hands of a gateway that dies comes again.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec
import structlog

from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.live.aws.ivs import Ivs, QueueMessage
from modules.live.sessions.video_jobs import VideoJobs
from modules.live.tables import VideoRow
from modules.live.video.provisioner import ChannelProvisioner

log = structlog.get_logger(__name__)

NEW: Final = "INSERT INTO live_video_event (id) VALUES ({}) ON CONFLICT DO NOTHING RETURNING id"
FORGET: Final = "DELETE FROM live_video_event WHERE at < now() - interval '14 days'"
# While SQS cannot be asked.
PAUSE: Final = 5.0

# What AWS calls things: nothing that PostgreSQL would refuse.
Word = Annotated[str, msgspec.Meta(max_length=2048, pattern="^[!-~]+$")]


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """An event in EventBridge's envelope, as far as it matters here."""

    id: Word
    type: str = msgspec.field(name="detail-type")
    resources: tuple[Word, ...] = ()
    detail: dict[str, Any] = {}

    @property
    def about(self) -> tuple[str, ...]:
        """What it is about: of a composition, its stage too."""
        stage = self.detail.get("stage_arn")
        return (*self.resources, stage) if isinstance(stage, str) and stage.isprintable() else self.resources


class IvsEventConsumer:
    """Hears of events on one gateway. Any number of them may."""

    def __init__(
        self, kernel: Kernel, ivs: Ivs, provisioner: ChannelProvisioner, video_jobs: VideoJobs, queue: str
    ) -> None:
        self._kernel = kernel
        self._ivs = ivs
        self._provisioner = provisioner
        self._video_jobs = video_jobs
        self._queue = queue

    async def run(self) -> None:
        """Take what comes, until cancelled."""
        while True:
            try:
                for message in await self._ivs.receive(self._queue):
                    await self._take(message)
            except Unavailable as error:
                # Nothing is lost by it: streams are looked at anyway.
                log.info("video.no_events", reason=error.message)
                await asyncio.sleep(PAUSE)
            except Exception:
                log.exception("video.event_failed")
                await asyncio.sleep(PAUSE)

    async def _take(self, message: QueueMessage) -> None:
        """Raises Unavailable; then the message comes again."""
        try:
            await self.handle(msgspec.json.decode(message.body, type=Happening))
        except msgspec.DecodeError:
            log.warning("video.event_unreadable")
        except Unavailable:
            raise
        except Exception:
            # It must not hold up those behind it, now or when it comes again.
            log.exception("video.event_failed")
        await self._ivs.take_off(message)

    async def handle(self, happening: Happening) -> None:
        """Have it looked at, once."""
        async with self._kernel.database.transaction():
            if not await VideoRow.raw(NEW, happening.id):
                return
            await VideoRow.raw(FORGET)
            for arn in happening.about:
                await self._provisioner.look(arn)
        self._video_jobs.woken.set()
