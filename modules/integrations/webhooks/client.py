"""Sends one webhook, within bounds of time and size, to a public address, and follows no redirect."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import httpx

from gateway.surroundings import authorities
from modules.integrations.settings import WebhookSettings
from modules.integrations.webhooks.addresses import NoAddress, PrivateAddress, resolved
from modules.integrations.webhooks.states import Fault

AGENT: Final = "KSMP-Webhooks/1"
# A longer wait than this is not taken from a receiver.
LONGEST_WAIT: Final = 86_400.0


@dataclass(frozen=True)
class Answer:
    """What came of a try: an empty `fault` for 2xx. `retry_after` is in seconds, where the receiver said it."""

    fault: Fault
    status: int | None = None
    retry_after: float | None = None


class WebhookClient:
    """The body of an answer is not read: its status says all.

    No connection is kept. A kept one is known by its address, and would carry the webhook of one endpoint to another
    one behind the same address, over TLS that was made for the other's name. Proxies of the environment are not used:
    the proxy, and not the gateway, would look the name up.
    """

    def __init__(self, settings: WebhookSettings, context: ssl.SSLContext) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=settings.webhook_timeout,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    @classmethod
    async def open(cls, settings: WebhookSettings) -> Self:
        # Reading the authorities takes 50 ms.
        return cls(settings, await asyncio.to_thread(authorities))

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, address: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises for what a receiver does."""
        try:
            async with asyncio.timeout(self._settings.webhook_timeout):
                return await self._send(httpx.URL(address), headers, body)
        except PrivateAddress:
            return Answer(Fault.ADDRESS)
        except NoAddress:
            return Answer(Fault.NAME)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(Fault.TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            return Answer(Fault.CONNECTION)

    async def _send(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Answer:
        host = url.raw_host.decode()
        pinned = url.copy_with(host=await resolved(url, private=self._settings.private_addresses))
        request = self._http.build_request(
            "POST",
            pinned,
            headers={
                **headers,
                "Host": url.netloc.decode(),
                "Content-Type": "application/json",
                "User-Agent": AGENT,
                "Accept-Encoding": "identity",
            },
            content=body,
            # The certificate is checked against the endpoint's name.
            extensions={"sni_hostname": host},
        )
        response = await self._http.send(request, stream=True)
        try:
            return _answer(response)
        finally:
            await response.aclose()


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    if 200 <= status < 300:
        return Answer(Fault.NONE, status)
    fault = Fault.REDIRECT if 300 <= status < 400 else Fault.STATUS
    said = response.headers.get("Retry-After", "")
    wait = min(float(said), LONGEST_WAIT) if said.isascii() and said.isdigit() and len(said) < 10 else None
    return Answer(fault, status, wait)
