"""Notebook: writes what FCM answers while a batch is being sent, so that a worker that dies leaves little unknown."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.errors import Unavailable
from modules.notify.channels.fcm.repository import Answered, PushRepository

log = structlog.get_logger(__name__)

# Answers are written so many at a time, and after so many seconds at the latest.
PAGE: Final = 100
INTERVAL: Final = 0.1


class Notebook:
    """Of one batch."""

    def __init__(self, rows: PushRepository) -> None:
        self._rows = rows
        self._answers: list[Answered] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, answered: Answered) -> None:
        self._answers.append(answered)
        if len(self._answers) >= PAGE:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._flush)

    async def close(self) -> None:
        """Write what is left."""
        self._flush()
        await asyncio.gather(*self._writing)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        answers, self._answers = self._answers, []
        if answers:
            task = asyncio.get_running_loop().create_task(self._write(answers))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write(self, answers: list[Answered]) -> None:
        try:
            await self._rows.write(answers)
        except Unavailable:
            # The outcome of the batch says the same, unless this process dies before that is written.
            log.warning("notifications.fcm.answers_unwritten", answers=len(answers))
        except Exception:
            log.exception("notifications.fcm.answers_unwritten", answers=len(answers))
