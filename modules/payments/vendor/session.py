"""The HTTP session that the SDK uses: it turns answers into outcomes before the SDK can misread them.

The SDK sees an answer only when it is a good one. It would lose the status of another, take a 429 for a refusal, fail
on HTML, and print to stdout.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from gateway import clock
from gateway.errors import Unavailable
from gateway.settings import SettingsError
from gateway.surroundings import authorities, unusable_proxy
from modules.payments.vendor import exchange
from modules.payments.vendor.outcomes import Declined, NotFound, Rejected, UnknownOutcome

# Razorpay's word for an id that it does not know. It says so with status 400, and with nothing that a machine reads.
UNKNOWN_ID: Final = "does not exist"
# Their codes for a failure behind them, with any status.
FAULTS: Final = frozenset({"GATEWAY_ERROR", "SERVER_ERROR"})
CHUNK: Final = 64 * 1024


class Answer:
    """What the SDK needs of a response."""

    status_code = 200

    def __init__(self, content: Any) -> None:
        self._content = content

    def json(self) -> Any:
        return self._content


class Session(requests.Session):
    """One for all threads. A request needs an exchange (`exchange.py`) in its thread.

    Raises Rejected, NotFound, Unavailable, UnknownOutcome and GivenUp, and nothing of the HTTP library's.
    """

    def __init__(self, url: str, connections: int, most: int) -> None:
        """`most` is the largest answer in bytes. Raises SettingsError for a proxy or authorities that are unusable."""
        super().__init__()
        # A cookie that one answer sets is not sent with other calls.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._most = most
        adapter = _Adapter(_authorities(), connections)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        proxy = select_proxy(url, get_environ_proxies(url))
        if proxy is not None:
            try:
                adapter.proxy_manager_for(proxy if "://" in proxy else f"http://{proxy}")
            except (requests.RequestException, ValueError) as error:
                # Its text may hold the proxy's password.
                raise unusable_proxy(type(error).__name__) from None

    def request(self, method: Any, url: Any, **options: Any) -> Any:  # type: ignore[override]
        """The SDK's one way out. Its `verify` names a bundle of 2015, which is not used."""
        now = exchange.current()
        options |= {"timeout": now.timeouts(), "verify": True, "allow_redirects": False, "stream": True}
        try:
            with super().request(method, url, **options) as response:
                content = self._read(response, now)
        except (OSError, HTTPException, HTTPError) as error:
            # The text of the error is not shown: it may name a proxy with its password. A silence in the middle of a
            # body is a ConnectionError there.
            why = "timeout" if isinstance(error, requests.Timeout) or now.left() <= 0 else type(error).__name__
            if now.sent:
                raise UnknownOutcome(why) from None
            raise Unavailable(f"Razorpay cannot be reached ({why})") from None
        return _answer(response.status_code, response.headers, content)

    def _read(self, response: requests.Response, now: exchange.Exchange) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(CHUNK):
            content += chunk
            if len(content) > self._most:
                raise UnknownOutcome("an answer without end")
            # As who waits says it, whoever of the two is first to see that the time is over.
            if now.left() <= 0:
                raise UnknownOutcome("timeout")
        now.answered()
        return bytes(content)


class _Adapter(HTTPAdapter):
    """Connections that report to their exchange, and trust what the gateway trusts."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return _watch(super().proxy_manager_for(proxy, **options))

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}

    def cert_verify(self, *_: Any) -> None:
        """The context says whom to trust; a bundle would be added to that."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = exchange.WatchedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = exchange.WatchedHTTPSConnection


def _watch(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager


def _authorities() -> ssl.SSLContext:
    """Those of the gateway's other clients; the bundle that `requests` and the AWS SDK obey comes first."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not bundle:
        return authorities()
    try:
        folder = os.path.isdir(bundle)
        return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except (OSError, ssl.SSLError):
        raise SettingsError(
            "What REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be used; name a file that is there, or unset it."
        ) from None


def _answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """A good answer, or the outcome that another one stands for."""
    if status == 429:
        raise Declined("Razorpay is asked too often", retry_after=_retry_after(headers.get("Retry-After", "")))
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = None
    if not isinstance(decoded, dict):
        raise UnknownOutcome(f"status {status}, undecodable")
    if 200 <= status < 300:
        return Answer(decoded)
    error = decoded.get("error")
    if not isinstance(error, dict) or not 400 <= status < 500 or status in (408, 409, 425):
        raise UnknownOutcome(f"status {status}")
    code, description = str(error.get("code") or ""), str(error.get("description") or "")
    if not code or code.upper() in FAULTS:
        raise UnknownOutcome(f"status {status} {code}".rstrip())
    if status in (401, 403):
        raise Declined("Razorpay refuses the gateway's key", retry_after=60.0)
    if status == 404 or UNKNOWN_ID in description:
        raise NotFound(description)
    reason, field = str(error.get("reason") or ""), str(error.get("field") or "")
    raise Rejected(code, description, reason=reason, field=field, status=status)


def _retry_after(text: str) -> float:
    """Seconds, from the number or the date of the header."""
    try:
        if text.strip().isdecimal():
            return float(text)
        moment = parsedate_to_datetime(text)
        return max((moment.replace(tzinfo=moment.tzinfo or UTC) - clock.now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 1.0
