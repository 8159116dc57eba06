"""What e-mail consists of: the channel, what SES tells, suppressions, and the links of mails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from litestar import Router

from gateway.aws.service import AwsConfig
from gateway.contract import Kernel
from gateway.settings import Settings, SettingsError
from gateway.tasks import end
from modules.notify.channels.email.channel import EmailChannel
from modules.notify.channels.email.labels import DOMAIN, LOCALE
from modules.notify.channels.email.ses import Ses
from modules.notify.kinds import Kinds
from modules.notify.mail import routes
from modules.notify.mail.event_consumer import MailEventConsumer
from modules.notify.mail.feedback import Feedback
from modules.notify.mail.repository import MailRepository
from modules.notify.mail.settings import MailSettings
from modules.notify.mail.suppressions import Suppressions
from modules.notify.mail.unsubscribe import TurnOff, Unsubscribing
from modules.notify.settings import NotifySettings
from modules.notify.texts.writer import TextWriter

# The part of a worker's lease for which its batch may wait for SES's rate.
SHARE = 0.4


class EmailFeature:
    """Without a sender the channel is not there; the routes are, for links of earlier mails."""

    def __init__(
        self, kernel: Kernel, settings: NotifySettings, kinds: Kinds, writer: TextWriter, turn_off: TurnOff
    ) -> None:
        core: Settings = kernel.settings(Settings)
        aws = AwsConfig(core.aws_region, core.aws_endpoint, settings.mail_timeout)
        self.rows = MailRepository(kernel.database)
        unsubscribing = Unsubscribing(self.rows, turn_off)
        self.routes: Sequence[Router] = routes.routers(
            unsubscribing,
            Suppressions(kernel, self.rows),
            lambda text, language: writer.label(text, LOCALE, DOMAIN, language),
        )
        self._ses = Ses(aws, configuration_set=settings.mail_configuration_set, at_once=settings.mail_at_once)
        self.feedback = Feedback(kernel.database, self.rows, kinds)
        self._consumers: Sequence[MailEventConsumer] = ()
        self.contributions: Sequence[EmailChannel] = ()
        if settings.mail_from:
            patience = settings.lease * SHARE
            self.contributions = (
                EmailChannel(kernel, settings, self._ses, self.rows, unsubscribing, writer, patience=patience),
            )
        if settings.mail_queue and settings.workers:
            self._consumers = (MailEventConsumer(aws, settings.mail_queue, self.feedback),)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear what SES tells, until the end of the block."""
        tasks = [asyncio.create_task(consumer.run()) for consumer in self._consumers]
        try:
            yield
        finally:
            await end(tasks)
            await self._ses.close()

    async def held(self, user: str) -> Mapping[str, Any]:
        found = await self.rows.held(user)
        return {"suppressions": found} if found else {}

    async def forget(self, user: str) -> None:
        await self.rows.forget(user)


def examine_mail(settings: MailSettings) -> str:
    """What `ksmp doctor` says of e-mail. Raises SettingsError for a sender without links or the other way round."""
    if not settings.mail_from:
        return "no e-mail is sent: KSMP_NOTIFY_MAIL_FROM is empty"
    for name in ("app_url", "public_url"):
        if not urlsplit(getattr(settings, name)).netloc:
            raise SettingsError(f"KSMP_NOTIFY_{name.upper()} must be an address: mails have links, and it begins them")
    if not settings.mail_queue:
        return "e-mail is sent, and nobody hears of bounces and complaints: KSMP_NOTIFY_MAIL_QUEUE is empty"
    return "e-mail is sent"
