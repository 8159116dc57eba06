"""The public keys of the token issuer, fetched from its JWKS document and kept in memory.

The document is an RFC 7517 JWK Set; Amazon Cognito publishes one for each user pool ("Verifying JSON web
tokens" in its developer guide), with two keys and room for rotation.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import ssl
import time
from collections.abc import Callable
from typing import Final

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from gateway.auth.jws import ALGORITHM, MODULUS_BITS
from gateway.errors import Code, Refused, Unavailable
from gateway.surroundings import authorities, http_client

DOCUMENT_BYTES: Final = 256 * 1024
FETCH_TIMEOUT: Final = 5.0
FRESH: Final = 3600.0
REFRESH_INTERVAL: Final = 60.0
RETRY_INTERVAL: Final = 1.0

logger = logging.getLogger(__name__)


class KeySetError(Exception):
    """The answer is no JWK Set, or none of its keys can verify a token; the message says which."""


class _Key(msgspec.Struct, frozen=True):
    kty: str
    kid: str
    n: str
    e: str
    use: str = "sig"
    alg: str = ALGORITHM
    key_ops: tuple[str, ...] = ("verify",)


class _Document(msgspec.Struct, frozen=True):
    # Each key is decoded by itself, so that one of an unknown type does not hide the others.
    keys: tuple[msgspec.Raw, ...]


class KeySet:
    """The issuer's signing keys by `kid`: RSA, at least 2048 bits, meant for RS256 signatures.

    Requests are bounded in time and size, follow no redirect, and never run two at a time: who needs the
    keys meanwhile waits for the running one. Keys once read are kept until a later answer replaces them,
    however long the issuer is away. `now` is a clock in seconds that never goes back.
    """

    def __init__(self, url: str, *, timeout: float = FETCH_TIMEOUT, now: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._timeout = timeout
        self._now = now
        # Compression is declined because a small compressed answer may unpack to more than the bound.
        self._client = http_client(
            timeout=timeout, verify=_trusted_authorities(), headers={"Accept-Encoding": "identity"}
        )
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched = -math.inf
        self._attempted = -math.inf
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> RSAPublicKey:
        """The key of this id.

        A known key is answered at once, and keys older than an hour are refreshed behind the answer. An
        unknown id makes one request, at most one a minute. Raises Refused (`unauthenticated`) when the issuer
        has no such key. Raises Unavailable when the issuer could not be asked and there are no keys yet; it is
        asked again at most once a second. It also does so when a request failed for an id that may be newer
        than the keys in memory.
        """
        key = self._keys.get(kid)
        if key is not None:
            if self._now() - self._fetched > FRESH and self._due():
                self._start()
            return key
        if self._fetching is not None or self._due():
            # Waiting, unlike awaiting, neither cancels the shared request with its caller nor raises its error.
            await asyncio.wait({self._fetching or self._start()})
            key = self._keys.get(kid)
        if key is not None:
            return key
        if self._failed or not self._keys:
            wait = max(self._attempted + self._interval() - self._now(), RETRY_INTERVAL)
            raise Unavailable("The keys that verify tokens cannot be read at the moment.", retry_after=wait)
        raise Refused(Code.UNAUTHENTICATED, "The token is signed with a key that its issuer does not publish.")

    async def close(self) -> None:
        """Give up a running request and close the connections; who waits for the request gets Unavailable."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        await self._client.aclose()

    def _interval(self) -> float:
        return REFRESH_INTERVAL if self._keys else RETRY_INTERVAL

    def _due(self) -> bool:
        return self._fetching is None and self._now() - self._attempted >= self._interval()

    def _start(self) -> asyncio.Task[None]:
        self._attempted = self._now()
        self._failed = True
        self._fetching = task = asyncio.create_task(self._refresh(), name="auth.keys")
        return task

    async def _refresh(self) -> None:
        try:
            self._keys = parse(await self._read())
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, KeySetError) as error:
            kept = f"the {len(self._keys)} read before stay in use" if self._keys else "no token can be verified"
            logger.warning("The keys at %s could not be read (%r); %s.", self._url, error, kept)
        else:
            self._fetched = self._now()
            self._failed = False
        finally:
            self._fetching = None

    async def _read(self) -> bytes:
        """The document's bytes. The time limit covers the whole answer, which httpx's own does not."""
        async with asyncio.timeout(self._timeout), self._client.stream("GET", self._url) as response:
            if response.status_code != httpx.codes.OK:
                raise KeySetError(f"the answer has status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > DOCUMENT_BYTES:
                    raise KeySetError(f"the answer is longer than {DOCUMENT_BYTES} bytes")
            return bytes(body)


@functools.cache
def _trusted_authorities() -> ssl.SSLContext:
    """The TLS settings of httpx; reading the authorities takes 50 ms, so a process does it once."""
    return authorities()


def parse(body: bytes) -> dict[str, RSAPublicKey]:
    """The usable keys of a JWK Set by `kid`; the others are left out.

    Raises KeySetError when none is left: taking an empty set would lock everyone out.
    """
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (ValueError, RecursionError):
        raise KeySetError("the answer is no JWK Set") from None
    keys: dict[str, RSAPublicKey] = {}
    for raw in document.keys:
        try:
            item = msgspec.json.decode(raw, type=_Key)
        except (ValueError, RecursionError):
            continue
        key = _signing_key(item)
        if key is not None:
            keys[item.kid] = key
    if not keys:
        raise KeySetError("the answer has no usable key")
    return keys


def _signing_key(item: _Key) -> RSAPublicKey | None:
    if (item.kty, item.use, item.alg) != ("RSA", "sig", ALGORITHM) or "verify" not in item.key_ops:
        return None
    try:
        # Only the public numbers are handed on, so a private key published by mistake is never loaded.
        key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": item.n, "e": item.e})
    except (InvalidKeyError, ValueError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < MODULUS_BITS:
        return None
    return key
