"""FcmChannel: a user's delivery, to each of their devices.

What FCM has said for good of one device is written while the batch goes on. A device that has answered is not sent the
same delivery again, whoever tries it. One that may have it gets it again with the same tag, and shows one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

import structlog

from gateway.contract import Database
from gateway.errors import Unavailable
from modules.notify.channels.fcm.answers import Fate, Result
from modules.notify.channels.fcm.notebook import Notebook
from modules.notify.channels.fcm.outcomes import outcome_of
from modules.notify.channels.fcm.repository import Answered, PushRepository
from modules.notify.channels.fcm.sender import FcmSender
from modules.notify.channels.fcm.service_account import ServiceAccount
from modules.notify.devices.address import Address
from modules.notify.devices.repository import DeviceRepository
from modules.notify.facade import PUSH, Channel, Outcome, Outgoing
from modules.notify.limiter import Limiter
from modules.notify.push_settings import FcmSettings

log = structlog.get_logger(__name__)

BUCKET: Final = "fcm"
# What is said for good of a device.
FINAL: Final = frozenset({Fate.SENT, Fate.GONE, Fate.FAILED})
# The part of the lease after which no message is begun.
SHARE: Final = 0.6


class FcmChannel(Channel):
    """`push`: FCM, with the devices of this platform. `lease` is how long a worker has for a batch."""

    name = PUSH

    def __init__(
        self,
        database: Database,
        devices: DeviceRepository,
        account: ServiceAccount,
        settings: FcmSettings,
        lease: float,
    ) -> None:
        self._devices = devices
        self._settings = settings
        self._seconds = lease * SHARE
        self._pushes = PushRepository(database)
        self._limiter = Limiter(database)
        self._sender = FcmSender(account, settings)

    async def pause(self) -> float:
        return max(self._sender.pause(), await self._limiter.blocked(BUCKET))

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        """The outcomes, when every device has answered or was given up. Raises Unavailable when nothing was posted."""
        devices = await self._devices.of_users({each.user_id for each in batch})
        answered = await self._pushes.read([each.id for each in batch if each.attempt > 1])
        targets = [
            (each, address)
            for each in batch
            for address in devices.get(each.user_id, ())
            if address.installation not in answered.get(each.id, {})
        ]
        results = defaultdict[str, list[Result]](list)
        for id, known in answered.items():
            results[id] = [Result(one.fate, one.reason, one.vendor_id) for one in known.values()]
        if targets:
            await self._sender.begin()
            for (each, _), result in zip(targets, await self._post_all(targets), strict=True):
                results[each.id].append(result)
        return [outcome_of(each.id, results[each.id]) for each in batch]

    async def reaches(self, user_ids: Collection[str]) -> Collection[str]:
        return list(await self._devices.of_users(user_ids))

    async def close(self) -> None:
        await self._sender.close()

    async def _post_all(self, targets: Sequence[tuple[Outgoing, Address]]) -> list[Result]:
        """The result of each. What the quota or the time of the batch has no room for comes later."""
        taken = await self._limiter.take(BUCKET, len(targets), self._settings.fcm_per_minute)
        granted = targets[: taken.granted]
        wait = Result(Fate.LATER, "quota", retry_after=taken.wait, counted=False)
        notebook = Notebook(self._pushes, self._devices)
        until = asyncio.get_running_loop().time() + self._seconds

        async def post(each: Outgoing, address: Address, *, first: bool = False) -> Result:
            if asyncio.get_running_loop().time() >= until:
                return Result(Fate.LATER, "late", counted=False)
            result = await self._sender.post(each, address, first=first)
            if result.fate in FINAL:
                answer = Answered(each.id, address.installation, result.fate, result.reason, result.vendor_id)
                notebook.note(answer, address)
            return result

        tried: list[Result] = []
        try:
            if self._sender.tries and granted:
                tried.append(await post(*granted[0], first=True))
            posted = await asyncio.gather(*(post(each, address) for each, address in granted[len(tried) :]))
        finally:
            await notebook.close()
        await self._tell_quota()
        return [*tried, *posted, *([wait] * (len(targets) - len(granted)))]

    async def _tell_quota(self) -> None:
        """Have all gateways wait as long as FCM has asked one for."""
        wait, self._sender.quota_wait = self._sender.quota_wait, 0.0
        if wait > 0:
            log.warning("notifications.fcm.quota", seconds=wait)
            with contextlib.suppress(Unavailable):
                await self._limiter.block(BUCKET, wait)
