"""KeySet against a real HTTP server: what is taken, when it is asked, and what an outage does."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.auth.keys import DOCUMENT_BYTES, KeySet, KeySetError, parse
from gateway.errors import Code, Refused, Unavailable

from .clock import Clock
from .jwks_server import JwksServer, jwk


@pytest.fixture
async def keys(server: JwksServer, clock: Clock) -> AsyncIterator[KeySet]:
    keys = KeySet(server.url, now=clock)
    yield keys
    await keys.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a request behind an answer brings, at most five seconds."""
    async with asyncio.timeout(5):
        while not await condition():
            await asyncio.sleep(0.005)


async def test_one_fetch_serves_many_lookups(keys: KeySet, server: JwksServer, key: RSAPrivateKey) -> None:
    found = await asyncio.gather(*(keys.find("first") for _ in range(100)))
    assert all(item == key.public_key() for item in found)
    assert await keys.find("first") == key.public_key()
    assert server.requests == 1


async def test_unknown_kid_is_asked_for_once_a_minute(keys: KeySet, server: JwksServer, clock: Clock) -> None:
    await keys.find("first")
    for second in range(180):
        clock.time += 1
        for number in range(3):
            with pytest.raises(Refused) as refusal:
                await keys.find(f"unknown-{second}-{number}")
            assert refusal.value.code == Code.UNAUTHENTICATED
    assert server.requests == 1 + 3


async def test_concurrent_unknown_kids_share_a_fetch(keys: KeySet, server: JwksServer, clock: Clock) -> None:
    await keys.find("first")
    clock.time += 61
    server.gate.clear()
    lookups = [asyncio.create_task(keys.find(f"unknown-{number}")) for number in range(50)]
    await server.reached(2)
    known = await keys.find("first")
    assert known is not None  # A known key never waits for a fetch that an unknown one caused.
    server.gate.set()
    answers = await asyncio.gather(*lookups, return_exceptions=True)
    assert all(isinstance(answer, Refused) for answer in answers)
    assert server.requests == 2


async def test_cancelled_lookup_leaves_the_shared_fetch_alone(
    keys: KeySet, server: JwksServer, key: RSAPrivateKey
) -> None:
    server.gate.clear()
    impatient = asyncio.create_task(keys.find("first"))
    patient = asyncio.create_task(keys.find("first"))
    await server.reached(1)
    impatient.cancel()
    await asyncio.wait({impatient})
    server.gate.set()
    assert await patient == key.public_key()
    assert server.requests == 1


async def test_rotation(
    keys: KeySet, server: JwksServer, clock: Clock, key: RSAPrivateKey, other_key: RSAPrivateKey
) -> None:
    await keys.find("first")
    server.publish_pairs([("first", key), ("second", other_key)])
    with pytest.raises(Refused):
        await keys.find("second")
    clock.time += 60
    assert await keys.find("second") == other_key.public_key()
    server.publish_pairs([("second", other_key)])
    clock.time += 60
    with pytest.raises(Refused):
        await keys.find("third")
    with pytest.raises(Refused):
        await keys.find("first")
    assert server.requests == 3


async def test_stale_keys_are_refreshed_behind_the_answer(
    keys: KeySet, server: JwksServer, clock: Clock, key: RSAPrivateKey, other_key: RSAPrivateKey
) -> None:
    await keys.find("first")
    clock.time += 3599
    await keys.find("first")
    await asyncio.sleep(0.1)
    assert server.requests == 1
    clock.time += 2
    server.publish_pairs([("first", other_key)])
    server.gate.clear()
    for _ in range(10):
        assert await keys.find("first") == key.public_key()
    await server.reached(2)
    assert await keys.find("first") == key.public_key()
    server.gate.set()

    async def refreshed() -> bool:
        return await keys.find("first") == other_key.public_key()

    await until(refreshed)
    assert server.requests == 2


async def test_no_keys_is_temporary_and_asked_once_a_second(
    keys: KeySet, server: JwksServer, clock: Clock, key: RSAPrivateKey
) -> None:
    server.status = 503
    for _ in range(5):
        with pytest.raises(Unavailable) as away:
            await keys.find("first")
        assert away.value.temporary
    assert server.requests == 1
    clock.time += 0.9
    with pytest.raises(Unavailable):
        await keys.find("first")
    assert server.requests == 1
    clock.time += 0.2
    server.status = 200
    assert await keys.find("first") == key.public_key()
    assert server.requests == 2


async def test_nobody_listening(server: JwksServer, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    await server.stop()
    keys = KeySet(server.url, now=clock)
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
        await keys.find("first")
    assert server.url in caplog.text
    assert "no token can be verified" in caplog.text
    await server.start()
    clock.time += 1
    assert await keys.find("first") is not None
    await keys.close()


async def test_outage_keeps_the_old_keys(
    keys: KeySet,
    server: JwksServer,
    clock: Clock,
    key: RSAPrivateKey,
    other_key: RSAPrivateKey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await keys.find("first")
    await server.stop()
    server.publish_pairs([("first", key), ("second", other_key)])
    for failures in range(1, 6):
        clock.time += 7200
        assert await keys.find("first") == key.public_key()

        async def failed(count: int = failures) -> bool:
            return caplog.text.count("the 1 read before stay in use") == count

        await until(failed)
    clock.time += 60
    for _ in range(2):
        with pytest.raises(Unavailable) as away:
            await keys.find("second")
        assert away.value.retry_after == 60.0
    await server.start()
    clock.time += 60
    assert await keys.find("second") == other_key.public_key()


async def test_an_answer_without_usable_keys_is_an_outage(
    keys: KeySet, server: JwksServer, clock: Clock, key: RSAPrivateKey
) -> None:
    await keys.find("first")
    server.publish()
    clock.time += 60
    with pytest.raises(Unavailable):
        await keys.find("unknown")
    assert await keys.find("first") == key.public_key()


async def test_redirects_are_not_followed(keys: KeySet, server: JwksServer) -> None:
    server.status = 302
    server.headers = [f"Location: {server.url}"]
    with pytest.raises(Unavailable):
        await keys.find("first")
    assert server.requests == 1


async def test_endless_answer(keys: KeySet, server: JwksServer) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()
            sent += 65536

    server.respond = flood
    with pytest.raises(Unavailable):
        await keys.find("first")
    # What the operating system buffers on both sides is sent too, so the limit here is a loose one.
    assert sent < 100 * DOCUMENT_BYTES


async def test_compressed_answer_is_not_unpacked(keys: KeySet, server: JwksServer) -> None:
    server.body = gzip.compress(server.body)
    server.headers = ["Content-Encoding: gzip"]
    with pytest.raises(Unavailable):
        await keys.find("first")


async def test_dripping_answer_ends_at_the_time_limit(server: JwksServer) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    server.respond = drip
    keys = KeySet(server.url, timeout=0.3)
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable):
            await keys.find("first")
    await keys.close()


async def test_close_ends_a_running_fetch(keys: KeySet, server: JwksServer) -> None:
    server.gate.clear()
    lookup = asyncio.create_task(keys.find("first"))
    await server.reached(1)
    await keys.close()
    with pytest.raises(Unavailable):
        await lookup


def test_only_strong_signing_rsa_keys_are_taken(key: RSAPrivateKey) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    rejected: list[Any] = [
        jwk(weak, "weak"),
        jwk(key, "encryption", use="enc"),
        jwk(key, "another algorithm", alg="RS512"),
        jwk(key, "operations", key_ops=["sign"]),
        jwk(key, "type", kty="EC"),
        {"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "oct", "kid": "secret", "k": "AAAA"},
        jwk(key, "modulus", n="!"),
        jwk(key, "empty modulus", n=""),
        jwk(key, "exponent", e="AA"),
        {"kty": "RSA", "use": "sig", "alg": "RS256", "n": "AQAB", "e": "AQAB"},
        jwk(key, 7),  # type: ignore[arg-type]
        7,
        None,
    ]
    plain = jwk(key, "plain")
    del plain["use"], plain["alg"]
    document = {"keys": [*rejected, jwk(key, "good", x5c=["AA=="]), plain]}
    assert parse(json.dumps(document).encode()) == {"good": key.public_key(), "plain": key.public_key()}
    with pytest.raises(KeySetError, match="no usable key"):
        parse(json.dumps({"keys": rejected}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"keys": {}}', b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", b"<html>"]
)
def test_other_documents_are_no_key_set(body: bytes) -> None:
    with pytest.raises(KeySetError, match="no JWK Set"):
        parse(body)
