"""FcmSender: posts single messages, as many at once as may be, and stops where FCM says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from gateway import clock
from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable
from modules.notify.channels.fcm import metrics
from modules.notify.channels.fcm.access_token import AccessToken
from modules.notify.channels.fcm.answers import UNAUTHENTICATED, Fate, Result, judged
from modules.notify.channels.fcm.http_client import HttpClient, NotAsked, Unanswered
from modules.notify.channels.fcm.message import message_for
from modules.notify.channels.fcm.service_account import ServiceAccount
from modules.notify.devices.address import Address
from modules.notify.facade import Outgoing
from modules.notify.push_settings import FcmSettings

log = structlog.get_logger(__name__)

AWAY: Final = "FCM does not answer"
EXPIRED: Final = Result(Fate.FAILED, "expired")


class FcmSender:
    """Shared by the workers of a process."""

    def __init__(
        self, account: ServiceAccount, settings: FcmSettings, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._url = f"{settings.fcm_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        self._http = HttpClient(
            # One more for the token.
            connections=settings.fcm_connections + 1,
            timeout=settings.fcm_timeout,
            most_bytes=settings.fcm_answer_bytes,
        )
        self._token = AccessToken(account, self._http, settings.fcm_rest, now)
        self._breaker = CircuitBreaker(settings.fcm_failures, settings.fcm_rest, AWAY, now)
        self._room = asyncio.Semaphore(settings.fcm_connections)
        self._now = now
        # Until then nothing is posted: FCM said so.
        self._rests_until = 0.0
        # How long the quota is used up; whoever has sent a batch tells the other gateways.
        self.quota_wait = 0.0

    def pause(self) -> float:
        """Seconds until a message may be posted. After a pause one caller gets 0, to try with one message."""
        if (left := self._rests_until - self._now()) > 0:
            return left
        try:
            self._breaker.check()
        except Unavailable as error:
            return error.retry_after or self._settings.fcm_rest
        return 0.0

    async def begin(self) -> None:
        """Have a token. Raises Unavailable, and then nothing is to be posted."""
        await self._token.get()

    @property
    def tries(self) -> bool:
        """Whether FCM did not answer lately, so that one message is to be tried before the others."""
        return self._breaker.is_open

    async def post(self, each: Outgoing, address: Address, *, first: bool = False) -> Result:
        """What became of a delivery at one device. The `first` after a pause is posted though FCM did not answer."""
        async with self._room:
            if (stopped := self._stopped(first)) is not None:
                return stopped
            began = self._now()
            result = await self._try(each, address)
            metrics.seconds.observe(self._now() - began)
        metrics.messages.labels(result.fate.value, result.reason).inc()
        self._learn(result, address)
        if result.reason == "quota" and result.retry_after is None:
            return replace(result, retry_after=self._settings.fcm_unsaid_wait)
        return result

    async def close(self) -> None:
        await self._token.close()
        await self._http.close()

    def _stopped(self, first: bool) -> Result | None:
        """Why nothing is posted now, if nothing is."""
        if (left := self._rests_until - self._now()) > 0:
            return Result(Fate.LATER, "rests", retry_after=left, counted=False)
        if self._breaker.is_open and not first:
            return Result(Fate.LATER, "away", retry_after=self._settings.fcm_rest, counted=False)
        return None

    async def _try(self, each: Outgoing, address: Address) -> Result:
        """Post it, with another token where FCM takes this one no more."""
        result = Result(Fate.LATER, UNAUTHENTICATED, counted=False)
        for _ in range(2):
            now = clock.now()
            if each.expires_at <= now:
                return EXPIRED
            try:
                token = await self._token.get()
            except Unavailable as error:
                return Result(Fate.LATER, "token", retry_after=error.retry_after, counted=False)
            result = await self._exchange(message_for(each, address, now), token)
            if result.reason != UNAUTHENTICATED:
                return result
            if not self._token.refused(token):
                break
        # A new token is refused as well. When that goes on, the account has no right to send.
        rest = self._settings.fcm_rest
        return Result(Fate.LATER, UNAUTHENTICATED, retry_after=rest, counted=False, trouble=True, alarm="credentials")

    async def _exchange(self, body: bytes, token: str) -> Result:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; UTF-8"}
        try:
            return judged(await self._http.post(self._url, body, headers))
        except NotAsked as error:
            return Result(Fate.LATER, "unreached", counted=False, trouble=True, said=str(error))
        except Unanswered as error:
            return Result(Fate.UNKNOWN, "unanswered", trouble=True, said=str(error))

    def _learn(self, result: Result, address: Address) -> None:
        """What a result says of FCM and of our settings."""
        if result.trouble:
            self._breaker.failed()
        elif result.fate is not Fate.LATER:
            self._breaker.succeeded()
        metrics.breaker_open.set(self._breaker.is_open)
        if result.reason == "quota" and result.retry_after is not None:
            self._rests_until = max(self._rests_until, self._now() + result.retry_after)
            self.quota_wait = max(self.quota_wait, result.retry_after)
        if result.alarm:
            metrics.misconfigured.labels(result.alarm).inc()
            log.error(
                "notifications.fcm.misconfigured",
                what=result.alarm,
                said=result.said,
                platform=address.platform.value,
                installation=address.installation,
            )
