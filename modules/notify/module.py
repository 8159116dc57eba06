"""What the notify module consists of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway.contract import Kernel, Module
from gateway.tasks import end
from modules.notify import errors
from modules.notify.decide.plain import PlainDecide
from modules.notify.expansion.audiences import OwnAudiences
from modules.notify.expansion.expansion import Expansion
from modules.notify.expansion.repository import ExpansionRepository
from modules.notify.kinds import Kinds
from modules.notify.notices.notices import Notices
from modules.notify.notices.repository import NoticeRepository
from modules.notify.sending.repository import DeliveryRepository
from modules.notify.sending.sender import Sender
from modules.notify.sending.upkeep import Upkeep
from modules.notify.settings import NotifySettings
from modules.notify.texts.plain import PlainWriter
from modules.notify.worker import Bell, Worker, stop

# How long a gateway that stops waits for the batches that it is sending. Their leases do the rest.
PATIENCE: Final = 5.0


class NotifyModule(Module):
    """Notifications in the app, by push and by e-mail, of kinds that other modules contribute."""

    name = "notify"
    requires = ("accounts",)
    settings_type = NotifySettings
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.settings: NotifySettings = kernel.settings(NotifySettings)
        self.bell = Bell()
        self.kinds = Kinds(kernel)
        self.notices = Notices(kernel, self.kinds, NoticeRepository(kernel.database), self.bell)
        self.expansions = ExpansionRepository(kernel.database)
        self.deliveries = DeliveryRepository(kernel.database)
        self.decide = PlainDecide(kernel.database)
        self.writer = PlainWriter()
        self.contributions = (self.notices,)
        self.features = (OwnAudiences(kernel),)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self.kinds.check()
        workers = self._workers()
        running = [asyncio.get_running_loop().create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            await stop(workers, running, self.bell, PATIENCE)
            await end(running)

    def _workers(self) -> list[Worker]:
        settings = self.settings
        if settings.workers == 0:
            return []
        works = [("notifications.upkeep", Upkeep(self.deliveries, settings).work)]
        for _ in range(settings.workers):
            expansion = Expansion(self.kernel, self.kinds, self.expansions, settings, self.bell)
            works.append(("notifications.expansion", expansion.work))
            for channel in self.kinds.channels.values():
                sender = Sender(self.kernel, self.kinds, channel, self.deliveries, self.decide, self.writer, settings)
                works.append((f"notifications.{channel.name}", sender.work))
        return [Worker(name, work, self.bell, settings.interval) for name, work in works]
