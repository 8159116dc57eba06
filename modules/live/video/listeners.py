"""The listeners that move the video when something happens in the room.

The room never waits for the video. A command commits and publishes an event. A durable listener then calls the video,
again and again until it succeeds.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from gateway.contract import Delivery, listener
from modules.live.events import PollOpened, ViewerRemoved

# PutMetadata takes a kibibyte.
METADATA_BYTES: Final = 1024


class Video(Protocol):
    """What rooms want of the video. Each call may come more than once."""

    async def put_metadata(self, session_id: str, text: str) -> None:
        """Send timed metadata, at most 1 KiB, in step with the picture. Without a stream nothing happens."""

    async def remove(self, session_id: str, user_id: str) -> None:
        """End the user's playback; raises Unavailable until that is done.

        Their place on the stage is another matter: it ended with their role.
        """


class NoVideo:
    """The video of a deployment without video: nothing happens."""

    async def put_metadata(self, session_id: str, text: str) -> None:
        pass

    async def remove(self, session_id: str, user_id: str) -> None:
        pass


class PollMark(msgspec.Struct, frozen=True):
    """The timed metadata of a poll: a player shows the poll when the picture comes to where it was opened."""

    poll: str
    question: str
    type: str = "live.poll"


class VideoListeners:
    """The durable listeners that move the video."""

    def __init__(self, video: Video) -> None:
        self.video = video

    @listener(PollOpened, "live.mark_poll")
    async def mark_poll(self, event: PollOpened, delivery: Delivery) -> None:
        await self.video.put_metadata(event.session_id, poll_mark(event))

    # It waits until IVS has done it. When a gateway dies before, the event comes again on another one.
    @listener(ViewerRemoved, "live.remove_viewer", transactional=False)
    async def remove_viewer(self, event: ViewerRemoved, delivery: Delivery) -> None:
        await self.video.remove(event.session_id, event.user_id)


def poll_mark(event: PollOpened) -> str:
    """The metadata's text; a question that is too long for it is cut, since the poll itself is in the room."""
    question = event.question
    while True:
        text = msgspec.json.encode(PollMark(event.poll_id, question))
        if len(text) <= METADATA_BYTES:
            return text.decode()
        question = question[: len(question) * 3 // 4]
