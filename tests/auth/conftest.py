"""Keys made once, a clock that a test moves, and the JWKS server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from .jwks_server import JwksServer


class Clock:
    """A time in seconds that moves when it is told to."""

    def __init__(self, time: float) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.25)


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
