"""The video of sessions, as far as their life needs it; `video/jobs.py` implements it."""

from __future__ import annotations

from typing import Protocol

from modules.live.messages import SessionView


class SessionVideo(Protocol):
    """What the steps of a session want of its video. No call waits for IVS."""

    @property
    def available(self) -> bool:
        """Whether sessions have video here."""

    @property
    def recording(self) -> bool:
        """Whether what is streamed can be recorded here."""

    def records(self, session: SessionView) -> bool:
        """Whether this session is recorded when it runs. One may be planned so where nothing can be recorded."""

    async def begin(self, session: SessionView) -> None:
        """Want a channel for a session that starts in this transaction."""

    async def end(self, session: SessionView) -> None:
        """Want the channel taken away, of a session that ends in this transaction."""

    def wake(self) -> None:
        """Tell this gateway's workers that there may be something to do; call it after the transaction."""
