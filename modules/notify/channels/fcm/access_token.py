"""The access token: signed for with the account's key, and asked for once, whoever waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import jwt
import msgspec
import structlog

from gateway import clock
from gateway.errors import Unavailable
from modules.notify.channels.fcm import metrics
from modules.notify.channels.fcm.http_client import HttpClient, NotAsked, Unanswered
from modules.notify.channels.fcm.service_account import ServiceAccount

log = structlog.get_logger(__name__)

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
# How long an assertion is good, and how long before its end a token is replaced; in seconds.
ASSERTED: Final = 3600
EARLY: Final = 300.0


class Granted(msgspec.Struct, frozen=True):
    """What the token endpoint answers."""

    access_token: str
    expires_in: float


class AccessToken:
    """One token of one account. After a refusal nobody asks for `rest` seconds, and a token so young is not renewed."""

    def __init__(
        self, account: ServiceAccount, http: HttpClient, rest: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._account = account
        self._http = http
        self._rest = rest
        self._now = now
        self._token = ""
        self._renew_at = 0.0
        self._granted_at = 0.0
        self._asking: asyncio.Task[str] | None = None
        self._refusal: Unavailable | None = None
        self._refused_until = 0.0

    async def get(self) -> str:
        """A token that is good now. All who wait share one request. Raises Unavailable."""
        if self._token and self._now() < self._renew_at:
            return self._token
        if self._refusal is not None and self._now() < self._refused_until:
            raise Unavailable(self._refusal.message, retry_after=round(self._refused_until - self._now(), 3))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._renew())
        return await asyncio.shield(self._asking)

    def refused(self, token: str) -> bool:
        """FCM does not take this token. Whether another one is worth a try: that one was not asked for just now."""
        if token != self._token:
            return True
        if self._now() < self._granted_at + self._rest:
            return False
        self._token = ""
        return True

    async def close(self) -> None:
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _renew(self) -> str:
        try:
            granted = await self._ask()
        except Unavailable as error:
            self._refusal, self._refused_until = error, self._now() + self._rest
            raise
        self._refusal = None
        self._granted_at = self._now()
        # A token that lives for less than that is used to its middle.
        self._renew_at = self._granted_at + max(granted.expires_in - EARLY, granted.expires_in / 2)
        self._token = granted.access_token
        return self._token

    async def _ask(self) -> Granted:
        metrics.tokens.inc()
        # Reading the key and signing take milliseconds, and the loop has others to serve.
        assertion = await asyncio.to_thread(self._sign)
        body = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        try:
            answer = await self._http.post(self._account.token_uri, body, FORM)
        except (NotAsked, Unanswered) as error:
            raise Unavailable(f"no access token for FCM: {error}") from None
        if answer.status in (400, 401, 403):
            # Nobody but an operator can cure that.
            said = answer.body[:300].decode(errors="replace")
            log.error("notifications.fcm.credentials_refused", account=self._account.client_email, said=said)
            metrics.misconfigured.labels("credentials").inc()
            raise Unavailable("Google refuses the service account", retry_after=self._rest)
        try:
            if answer.status != 200:
                raise ValueError(answer.status)
            return msgspec.json.decode(answer.body, type=Granted)
        except ValueError:
            raise Unavailable(f"no access token for FCM: status {answer.status}") from None

    def _sign(self) -> str:
        now = int(clock.now().timestamp())
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + ASSERTED,
        }
        headers = {"kid": self._account.private_key_id} if self._account.private_key_id else None
        return jwt.encode(claims, self._account.private_key, algorithm="RS256", headers=headers)
