"""Turns a bearer token into a principal, or refuses it.

Tokens are signed (JWS of RFC 7515), with the claims of RFC 7519. The checks are those of RFC 8725, and of "Verifying
JSON web tokens" in the Amazon Cognito developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Final, NamedTuple, Self

import msgspec
from cachetools import FIFOCache
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway import clock
from gateway.auth.claims import Claims
from gateway.auth.jws import Jws, bad_signature, refused
from gateway.auth.keys import KeySet
from gateway.errors import Refused
from gateway.principal import Principal
from gateway.settings import Settings

REMEMBERED: Final = 16_384


class _Verified(NamedTuple):
    kid: str
    key: RSAPublicKey
    principal: Principal


class _Forged(NamedTuple):
    kid: str
    key: RSAPublicKey


class TokenVerifier:
    """Verifies access and id tokens of one issuer: RS256 alone, whatever a token's header says.

    Tokens that passed are remembered, by their hash, because the same ones come again when many clients
    reconnect at once. A remembered token counts until its `exp`, and only while the issuer still publishes the
    key that signed it. Tokens whose signature is bad are remembered too, so that one that comes again and again is
    verified once. They push out no good ones. `life` is the longest that a token may live, `now` the time in seconds
    since the Unix epoch, `remembered` the number of tokens of each kind.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        client_ids: Collection[str],
        life: float,
        leeway: float,
        token_bytes: int,
        now: Callable[[], float] = clock.now_seconds,
        remembered: int = REMEMBERED,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._client_ids = frozenset(client_ids)
        self._life = life
        self._leeway = leeway
        self._token_bytes = token_bytes
        self._now = now
        # The oldest goes first; expired tokens leave this way too.
        self._verified: FIFOCache[bytes, _Verified] = FIFOCache(remembered)
        self._forged: FIFOCache[bytes, _Forged] = FIFOCache(remembered)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The verifier that the settings describe; its keys are fetched with the first token."""
        return cls(
            KeySet(settings.jwks_url),
            issuer=settings.issuer,
            client_ids=settings.client_ids,
            life=settings.token_life,
            leeway=settings.token_leeway,
            token_bytes=settings.token_bytes,
        )

    async def verify(self, token: str) -> Principal:
        """The principal that a token names; `expires_at` is its `exp` without the leeway.

        Raises Refused: `token_expired` when nothing but the expiry is wrong, `unauthenticated` for all else; or
        Unavailable when the issuer's keys cannot be had. No message holds a part of the token.
        """
        if len(token) > self._token_bytes:
            raise refused(f"The token is longer than {self._token_bytes} bytes.")
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None and await self._still_good(known):
            return known.principal
        self._verified.pop(digest, None)
        forged = self._forged.get(digest)
        if forged is not None and await self._keys.find(forged.kid) == forged.key:
            raise bad_signature()
        jws = Jws.read(token)
        key = await self._keys.find(jws.kid)
        try:
            jws.verify(key)
        except Refused:
            self._forged[digest] = _Forged(jws.kid, key)
            raise
        claims = Claims.decode(jws.payload)
        claims.check(
            issuer=self._issuer, client_ids=self._client_ids, life=self._life, leeway=self._leeway, now=self._now()
        )
        principal = claims.principal()
        if not principal.token:
            principal = msgspec.structs.replace(principal, token=digest.hex())
        if not self._ended(principal):
            self._verified[digest] = _Verified(jws.kid, key, principal)
        return principal

    async def close(self) -> None:
        """Close the connection to the issuer; verify must not be called again."""
        await self._keys.close()

    async def _still_good(self, known: _Verified) -> bool:
        return await self._keys.find(known.kid) == known.key and not self._ended(known.principal)

    def _ended(self, principal: Principal) -> bool:
        return self._now() * 1000 >= principal.expires_at
