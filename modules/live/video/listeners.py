"""What happens to the video because of something in the room: the listeners that act on the room's facts.

The room never waits for the video: a command commits, its fact is told to a durable listener, and that one calls the
video, again and again until it succeeds.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from gateway.contract import Delivery, listener
from modules.live.events import PollOpened, ViewerRemoved

# PutMetadata takes a kibibyte.
METADATA_BYTES: Final = 1024


class Video(Protocol):
    """The video of sessions, as far as their rooms move it. Each call may come more than once."""

    async def put_metadata(self, session_id: str, text: str) -> None:
        """Send timed metadata, at most 1 KiB, in step with the picture; of a session without a stream, nothing."""

    async def remove(self, session_id: str, user_id: str) -> None:
        """End the user's playback; raises until that is done. Their part on the stage has ended with their role."""


class NoVideo:
    """Of a deployment without video."""

    async def put_metadata(self, session_id: str, text: str) -> None:
        pass

    async def remove(self, session_id: str, user_id: str) -> None:
        pass


class PollMark(msgspec.Struct, frozen=True):
    """The timed metadata of a poll: what a player shows when the picture comes to where it was opened."""

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

    # It waits for IVS to have done it: a gateway that dies before leaves it to another.
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
