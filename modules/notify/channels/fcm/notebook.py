"""Notebook: writes what FCM answers while a batch is being sent, so that a worker that dies leaves little unknown."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.errors import Unavailable
from modules.notify.channels.fcm import metrics
from modules.notify.channels.fcm.answers import Fate
from modules.notify.channels.fcm.repository import Answered, PushRepository
from modules.notify.devices.address import Address
from modules.notify.devices.repository import DeviceRepository

log = structlog.get_logger(__name__)

# Answers are written so many at a time, and after so many seconds at the latest.
PAGE: Final = 100
INTERVAL: Final = 0.1


class Notebook:
    """Of one batch. A device that is gone is removed before that is written: who reads it does not ask again."""

    def __init__(self, rows: PushRepository, devices: DeviceRepository) -> None:
        self._rows = rows
        self._devices = devices
        self._answers: list[tuple[Answered, Address]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, answered: Answered, address: Address) -> None:
        self._answers.append((answered, address))
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

    async def _write(self, answers: list[tuple[Answered, Address]]) -> None:
        try:
            if dead := [address for answered, address in answers if answered.fate is Fate.GONE]:
                removed = await self._devices.remove_dead(dead)
                metrics.removed.inc(removed)
                log.info("notifications.fcm.devices_removed", devices=removed)
            await self._rows.write([answered for answered, _ in answers])
        except Unavailable:
            # The outcome of the batch says the same, unless this process dies before that is written.
            log.warning("notifications.fcm.answers_unwritten", answers=len(answers))
        except Exception:
            log.exception("notifications.fcm.answers_unwritten", answers=len(answers))
