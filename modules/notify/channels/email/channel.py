"""The e-mail channel: to whom it goes, in which words, and how fast."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Collection, Sequence
from datetime import timedelta
from email.utils import parseaddr
from functools import partial
from itertools import islice
from typing import Final

from gateway import clock
from gateway.circuit_breaker import CircuitBreaker
from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.accounts.facade import addresses_of
from modules.notify.channels.email.labels import DIGEST, DOMAIN, LOCALE, words_in
from modules.notify.channels.email.message import Envelope, message_of
from modules.notify.channels.email.rendering import Item, Mail, Rendering
from modules.notify.channels.email.ses import Answer, Ses
from modules.notify.facade import EMAIL, Channel, DeliveryState, Outcome, Outgoing, SkipReason
from modules.notify.limiter import Limiter
from modules.notify.mail.repository import MailRepository
from modules.notify.mail.scopes import is_stopped
from modules.notify.mail.settings import MailSettings
from modules.notify.mail.unsubscribe import Subscription, Unsubscribing
from modules.notify.texts.writer import TextWriter

BUCKET: Final = "ses"
# Of a preview.
NOWHERE: Final = "#"
UNSUBSCRIBE: Final = "/api/v1/notify/unsubscribe/"
# Mails that are written in one go, in a thread.
TOGETHER: Final = 50
# SES is left alone after so many calls in a row without an answer, and for so long.
FAILURES: Final = 10
REST: Final = 10.0
# The longest pause between two looks at what the rate lets through, in seconds.
STEP: Final = 0.5


class EmailChannel(Channel):
    """Sends through SES, at the rate that SES gives the platform, shared by all workers."""

    name = EMAIL

    def __init__(
        self,
        kernel: Kernel,
        settings: MailSettings,
        ses: Ses,
        rows: MailRepository,
        unsubscribing: Unsubscribing,
        writer: TextWriter,
        *,
        patience: float,
    ) -> None:
        """`patience` is how long a batch may wait for the rate; what is left then is sent later."""
        self._kernel = kernel
        self._settings = settings
        self._ses = ses
        self._rows = rows
        self._unsubscribing = unsubscribing
        self._writer = writer
        self._patience = patience
        self._rendering = Rendering()
        self._limiter = Limiter(kernel.database)
        self._at_once = asyncio.Semaphore(settings.mail_at_once)
        self._breaker = CircuitBreaker(FAILURES, REST, "the mail service does not answer")

    async def pause(self) -> float:
        try:
            self._breaker.check()
        except Unavailable as error:
            return error.retry_after or REST
        return await self._limiter.blocked(BUCKET)

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        await self._unsubscribing.open()
        addresses = await addresses_of(self._kernel, {each.user_id for each in batch})
        stopped = await self._rows.stopped({found.email.lower() for found in addresses.values() if found})
        outcomes: list[Outcome] = []
        ready: list[tuple[Outgoing, str]] = []
        for each in batch:
            found = addresses.get(each.user_id)
            scopes = stopped.get(found.email.lower(), ()) if found is not None else ()
            told = [one for one in (each.bundle or (each,)) if not is_stopped(one.kind, scopes)]
            if each.user_id not in addresses:
                # The user pool could not be asked.
                reason = "address_unknown"
                outcomes.append(Outcome(id=each.id, state=DeliveryState.WAITING, reason=reason, counted=False))
            elif found is None or not found.verified:
                outcomes.append(_skipped(each, SkipReason.NO_ADDRESS))
            elif not told:
                outcomes.append(_skipped(each, SkipReason.SUPPRESSED))
            else:
                ready.append((dataclasses.replace(each, bundle=told), found.email))
        ends = asyncio.get_running_loop().time() + self._patience
        waiting = iter(ready)
        while chunk := list(islice(waiting, TOGETHER)):
            outcomes += await self._send_together(chunk, ends)
        return outcomes

    async def reaches(self, user_ids: Collection[str]) -> Collection[str]:
        addresses = await addresses_of(self._kernel, user_ids)
        return [user for user, found in addresses.items() if found is not None and found.verified]

    async def preview(self, outgoing: Outgoing) -> str:
        """Its link to unsubscribe leads nowhere."""
        mail = dataclasses.replace(outgoing, bundle=[outgoing])
        return (await asyncio.to_thread(lambda: self._rendering.render(self._mail(mail, NOWHERE))))[1]

    async def repeats(self, delivery_ids: Collection[str]) -> Collection[str]:
        """Those that SES has never heard of, and those of which it told nothing for long: its events come in minutes.

        Without a queue of events nobody can tell, so what may have arrived is not sent again.
        """
        begun = await self._rows.begun(delivery_ids)
        latest = clock.now() - timedelta(seconds=self._settings.mail_unknown_wait)
        told = bool(self._settings.mail_queue)
        return [id for id in delivery_ids if id not in begun or (told and begun[id] < latest)]

    async def _send_together(self, chunk: Sequence[tuple[Outgoing, str]], ends: float) -> Sequence[Outcome]:
        """As many as the rate lets through before `ends`, by the event loop's clock. The rest waits."""
        outcomes: list[Outcome] = []
        mails = await asyncio.to_thread(lambda: [self._message(each, address) for each, address in chunk])
        waiting = deque(zip(mails, chunk, strict=True))
        wait = 0.0
        while waiting and not self._breaker.is_open:
            taken = await self._limiter.take(BUCKET, len(waiting), self._settings.mail_rate * 60)
            if not taken.granted:
                # Not one at a time: each time all workers ask for the same row.
                wait = max(taken.wait, min(STEP, len(waiting) / self._settings.mail_rate))
                if asyncio.get_running_loop().time() + wait > ends:
                    break
                await asyncio.sleep(wait)
                continue
            outcomes += await self._hand_over([waiting.popleft() for _ in range(taken.granted)])
        outcomes += (
            Outcome(id=each.id, state=DeliveryState.WAITING, reason="rate", retry_after=wait, counted=False)
            for _, (each, _) in waiting
        )
        return outcomes

    async def _hand_over(self, mails: Sequence[tuple[bytes, tuple[Outgoing, str]]]) -> Sequence[Outcome]:
        await self._rows.begin([each.id for _, (each, _) in mails], clock.now())
        answers = await asyncio.gather(*(self._ask(mail, address, each.id) for mail, (each, address) in mails))
        if pause := max(answer.pause for answer in answers):
            await self._limiter.block(BUCKET, pause)
        return [
            Outcome(
                id=each.id,
                state=answer.state,
                reason=answer.reason,
                retry_after=answer.pause or None,
                vendor_id=answer.vendor_id,
                counted=answer.counted,
            )
            for answer, (_, (each, _)) in zip(answers, mails, strict=True)
        ]

    async def _ask(self, mail: bytes, address: str, delivery_id: str) -> Answer:
        async with self._at_once:
            answer = await self._ses.send(mail, address, delivery_id)
        if answer.away:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        return answer

    def _message(self, each: Outgoing, address: str) -> bytes:
        """The mail as bytes, with all of its bundle. It is made in a thread."""
        unsubscribe = "" if _is_receipt(each) else self._unsubscribe_url(each)
        mail = self._mail(each, unsubscribe)
        envelope = Envelope(
            sender=self._settings.mail_from,
            reply_to=self._settings.mail_reply_to,
            recipient=address,
            id=each.notification_id,
            at=clock.now(),
            language=each.language,
            unsubscribe_url=unsubscribe,
        )
        return message_of(envelope, mail.subject, *self._rendering.render(mail))

    def _mail(self, each: Outgoing, unsubscribe_url: str) -> Mail:
        told = each.bundle
        label = partial(self._writer.label, folder=LOCALE, domain=DOMAIN, language=each.language)
        return Mail(
            subject=told[0].title if len(told) == 1 else self._digest_title(each, len(told)),
            site=parseaddr(self._settings.mail_from)[0],
            language=each.language,
            words=words_in(label, receipt=_is_receipt(each)),
            unsubscribe_url=unsubscribe_url,
            items=[self._item(one) for one in told],
        )

    def _digest_title(self, each: Outgoing, count: int) -> str:
        return self._writer.counted(DIGEST, count, LOCALE, DOMAIN, each.language)

    def _item(self, each: Outgoing) -> Item:
        lines = [line for line in each.body.splitlines() if line.strip()]
        return Item(title=each.title, lines=lines, url=self._settings.app_url.rstrip("/") + each.link)

    def _unsubscribe_url(self, each: Outgoing) -> str:
        subscription = Subscription(each.user_id, each.kind.preference, each.language)
        token = self._unsubscribing.token(subscription)
        return self._settings.public_url.rstrip("/") + UNSUBSCRIBE + token


def _is_receipt(each: Outgoing) -> bool:
    """Whether it cannot be turned off. A digest may be, whatever is in it."""
    return len(each.bundle) == 1 and each.bundle[0].kind.receipt


def _skipped(each: Outgoing, reason: SkipReason) -> Outcome:
    return Outcome(id=each.id, state=DeliveryState.SKIPPED, reason=reason.value)
