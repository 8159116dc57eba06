"""Keys made once, a clock that a test moves, the JWKS server and a verifier that reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.auth.keys import KeySet
from gateway.auth.verifier import TokenVerifier

from .clock import Clock
from .jwks_server import JwksServer
from .tokens import CLIENTS, ISSUER, LEEWAY, LIFE, NOW


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW + 0.25)


@pytest.fixture(scope="session")
def key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def other_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def server(key: RSAPrivateKey) -> AsyncIterator[JwksServer]:
    server = JwksServer()
    server.publish_pairs([("first", key)])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def verifier(server: JwksServer, clock: Clock) -> AsyncIterator[TokenVerifier]:
    keys = KeySet(server.url, now=clock)
    verifier = TokenVerifier(
        keys, issuer=ISSUER, client_ids=CLIENTS, life=LIFE, leeway=LEEWAY, token_bytes=8192, now=clock
    )
    yield verifier
    await verifier.close()
