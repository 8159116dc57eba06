"""What the notify module consists of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gateway.contract import Kernel, Module
from gateway.tasks import end
from modules.notify import errors
from modules.notify.bells import Bells
from modules.notify.campaigns import routes as campaign_routes
from modules.notify.campaigns.campaigns import Campaigns
from modules.notify.campaigns.dry_run import DryRuns
from modules.notify.campaigns.repository import CampaignRepository
from modules.notify.campaigns.tables import CampaignRow
from modules.notify.channels.email.feature import EmailFeature, examine_mail
from modules.notify.channels.fcm.push import examine_push, push_channel
from modules.notify.decide.decider import Decider
from modules.notify.decide.rules import rules_of
from modules.notify.devices import routes as device_routes
from modules.notify.devices.devices import DeviceService
from modules.notify.expansion.audiences import OwnAudiences
from modules.notify.expansion.expansion import Expansion
from modules.notify.expansion.repository import ExpansionRepository
from modules.notify.inbox import routes as inbox_routes
from modules.notify.inbox.inbox import Inbox
from modules.notify.inbox.tables import NotificationRow
from modules.notify.kinds import Kinds
from modules.notify.mail.tables import SuppressionRow
from modules.notify.notices import routes as notice_routes
from modules.notify.notices.kinds import own_kinds
from modules.notify.notices.notices import Notices
from modules.notify.notices.personal_data import PersonalData
from modules.notify.notices.reports import Reports
from modules.notify.notices.repository import NoticeRepository
from modules.notify.notices.sweep import Sweep
from modules.notify.preferences import routes as preference_routes
from modules.notify.preferences.personal_data import ChosenData
from modules.notify.preferences.preferences import PreferenceService
from modules.notify.preferences.readers import Readers
from modules.notify.sending import routes as delivery_routes
from modules.notify.sending.failures import Failures
from modules.notify.sending.repository import DeliveryRepository
from modules.notify.sending.sender import Sender
from modules.notify.sending.tables import DeliveryRow
from modules.notify.sending.upkeep import Upkeep
from modules.notify.settings import NotifySettings
from modules.notify.texts.reader_words import DeliveryWriter, ListWording, ReaderWords
from modules.notify.texts.writer import TextWriter
from modules.notify.worker import Bell, Worker, stop

# How long a gateway that stops waits for the batches that it is sending. Their leases do the rest.
PATIENCE: Final = 5.0
# Looks for what is due between two looks of campaigns.
CAMPAIGN_LOOKS: Final = 2
# Between two looks for what is old, in seconds.
SWEEP_INTERVAL: Final = 600.0


class NotifyModule(Module):
    """Notifications in the app, by push and by e-mail, of kinds that other modules contribute."""

    name = "notify"
    requires = ("accounts",)
    settings_type = NotifySettings
    tables = (DeliveryRow, NotificationRow, CampaignRow, SuppressionRow)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.settings: NotifySettings = kernel.settings(NotifySettings)
        self.bells = Bells()
        self.kinds = Kinds(kernel)
        reports = Reports(kernel.database, self.kinds)
        self.notices = Notices(kernel, self.kinds, NoticeRepository(kernel.database), reports, self.bells)
        self.expansions = ExpansionRepository(kernel.database)
        self.deliveries = DeliveryRepository(kernel.database)
        settings = self.settings
        self.readers = Readers(kernel.database, language=settings.language, time_zone=settings.time_zone)
        self.preferences = PreferenceService(kernel, self.kinds, self.readers, most_mutes=settings.mutes)
        texts = TextWriter()
        words = ReaderWords(self.readers, texts)
        self.email = EmailFeature(kernel, settings, self.kinds, texts, self.preferences.turn_off)
        self.inbox = Inbox(kernel, self.kinds, ListWording(words), self.preferences.listed, kept=settings.free_channels)
        self.decide = Decider(kernel, self.kinds, self.readers, lambda channel: rules_of(channel, settings))
        self.writer = DeliveryWriter(words)
        self.campaigns = Campaigns(
            kernel,
            self.kinds,
            self.notices,
            reports,
            CampaignRepository(kernel.database),
            DryRuns(kernel.database, self.kinds, self.decide, self.inbox),
            settings.campaigns_open,
        )
        self._personal_data = PersonalData(kernel.database)
        self._chosen_data = ChosenData(kernel.database)
        self.devices = DeviceService(kernel, settings)
        self._push = push_channel(kernel, self.devices, settings)
        own = (*own_kinds(settings.system_channels), *self.email.contributions, *self._push)
        self.contributions = (self.notices, *own)
        self.features = (OwnAudiences(kernel), self.preferences, self.inbox, self.campaigns, self.devices)
        self.routes = (
            notice_routes.router(reports),
            delivery_routes.router(Failures(kernel, self.bells)),
            preference_routes.router(self.preferences),
            inbox_routes.router(self.inbox),
            campaign_routes.router(self.campaigns),
            *self.email.routes,
            device_routes.router(self.devices),
        )

    @classmethod
    def examine(cls, settings: NotifySettings, *, production: bool) -> str:
        settings.examine_reading()
        return "; ".join(filter(None, (examine_mail(settings), examine_push(settings))))

    async def export(self, user: str) -> Mapping[str, Any]:
        return {
            **await self._personal_data.held(user),
            **await self._chosen_data.held(user),
            **await self.campaigns.created_by(user),
            **await self.email.held(user),
            **await self.devices.held(user),
        }

    async def forget(self, user: str) -> Collection[str]:
        await self._personal_data.forget(user)
        await self._chosen_data.forget(user)
        await self.email.forget(user)
        await self.devices.forget(user)
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self.kinds.check()
        workers = self._workers()
        running = [asyncio.get_running_loop().create_task(worker.run()) for worker in workers]
        try:
            async with self.email.running():
                yield
        finally:
            await stop(workers, running, PATIENCE)
            await end(running)
            for channel in self._push:
                await channel.close()

    def _workers(self) -> list[Worker]:
        settings = self.settings
        if settings.workers == 0:
            return []
        # Those that nobody wakes have bells of their own.
        sweep = Sweep(self.kernel.database, settings.kept_days, settings.batch)
        upkeep = Upkeep(self.deliveries, settings, self.kinds.channels)
        workers = [
            Worker("notifications.upkeep", upkeep.work, Bell(), settings.interval),
            Worker("notifications.campaigns", self.campaigns.work, Bell(), settings.interval * CAMPAIGN_LOOKS),
            Worker("notifications.sweep", sweep.work, Bell(), SWEEP_INTERVAL),
            Worker("notifications.devices", self.devices.sweep, Bell(), SWEEP_INTERVAL),
        ]
        for _ in range(settings.workers):
            expansion = Expansion(self.kernel, self.kinds, self.expansions, settings, self.bells, self.inbox)
            workers.append(Worker("notifications.expansion", expansion.work, self.bells.notices, settings.interval))
            for name, channel in self.kinds.channels.items():
                sender = Sender(self.kinds, channel, self.deliveries, self.decide, self.writer, settings)
                bell = self.bells.channels[name]
                workers.append(Worker(f"notifications.{name}", sender.work, bell, settings.interval))
        return workers
