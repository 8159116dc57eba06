"""Consumes the events of IVS from their queue. They come late, twice, out of order, or never.

An event that was handled is known by its id. It is deleted from the queue after what it caused is committed. So an
event in the hands of a gateway that dies comes again.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec
import structlog

from gateway import clock
from gateway.contract import Database
from gateway.errors import Unavailable
from modules.live.aws.ivs import Ivs, QueueMessage
from modules.live.video.repository import VideoRepository

log = structlog.get_logger(__name__)

# In seconds, while SQS does not answer.
PAUSE: Final = 5.0

# What AWS calls things: nothing that PostgreSQL would refuse.
Word = Annotated[str, msgspec.Meta(max_length=2048, pattern="^[!-~]+$")]


class IvsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event in EventBridge's envelope, as far as it matters here."""

    id: Word
    type: str = msgspec.field(name="detail-type")
    resources: tuple[Word, ...] = ()
    detail: dict[str, Any] = {}

    @property
    def about(self) -> tuple[str, ...]:
        """The ARNs it is about: of a composition, its stage's too."""
        stage = self.detail.get("stage_arn")
        return (*self.resources, stage) if isinstance(stage, str) and stage.isprintable() else self.resources


class IvsEventConsumer:
    """The consumer of one gateway. Any number of them may run. `woken` is set for the workers after each event."""

    def __init__(self, database: Database, videos: VideoRepository, ivs: Ivs, queue: str, woken: asyncio.Event) -> None:
        self._database = database
        self._videos = videos
        self._ivs = ivs
        self._queue = queue
        self._woken = woken

    async def run(self) -> None:
        """Handle what comes, until cancelled."""
        while True:
            try:
                for message in await self._ivs.receive(self._queue):
                    await self._consume(message)
            except Unavailable as error:
                # Nothing is lost by it: streams are looked at anyway.
                log.info("video.no_events", reason=error.message)
                await asyncio.sleep(PAUSE)
            except Exception:
                log.exception("video.event_failed")
                await asyncio.sleep(PAUSE)

    async def _consume(self, message: QueueMessage) -> None:
        """Raises Unavailable; then the message comes again."""
        try:
            await self.handle(msgspec.json.decode(message.body, type=IvsEvent))
        except msgspec.DecodeError:
            log.warning("video.event_unreadable")
        except Unavailable:
            raise
        except Exception:
            # It must not hold up those behind it, now or when it comes again.
            log.exception("video.event_failed")
        await self._ivs.delete_message(message)

    async def handle(self, event: IvsEvent) -> None:
        """Have what it is about looked at, once."""
        async with self._database.transaction():
            if not await self._videos.remember_event(event.id):
                return
            await self._videos.forget_events()
            for arn in event.about:
                await self._videos.make_due(arn, clock.now())
        self._woken.set()
