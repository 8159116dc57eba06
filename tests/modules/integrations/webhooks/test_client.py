"""One webhook: TLS is made for the endpoint's name, whatever address it has, and no receiver holds it for long."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from modules.integrations.settings import IntegrationsSettings
from modules.integrations.webhooks.client import Answer, WebhookClient
from modules.integrations.webhooks.states import Fault

NAME = "hook.example"
Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


def certificate(folder: Path) -> Path:
    """A certificate for NAME that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.asynccontextmanager
async def answered(reply: Reply, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on this machine that does this with each connection; its port."""
    server = await asyncio.start_server(reply, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def client(trusted: ssl.SSLContext | None = None, timeout: float = 5.0) -> AsyncIterator[WebhookClient]:
    settings = IntegrationsSettings(private_addresses=True, webhook_timeout=timeout)
    made = WebhookClient(settings, trusted or ssl.create_default_context())
    try:
        yield made
    finally:
        await made.close()


async def test_tls_is_for_the_name_although_the_address_was_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = await asyncio.to_thread(certificate, tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    asked_for: list[str | None] = []
    server.sni_callback = lambda _, name, __: asked_for.append(name)
    heads: list[bytes] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    lookup = loop.getaddrinfo

    async def to_this_machine(host: Any, port: Any, **more: Any) -> Any:
        return await lookup("127.0.0.1" if str(host).endswith(".example") else host, port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", to_this_machine)
    async with answered(reply, server) as port, client(ssl.create_default_context(cafile=str(both))) as sends:
        assert await sends.send(f"https://{NAME}:{port}/hook", {}, b"{}") == Answer(Fault.NONE, 204)
        # The same server under a name that its certificate does not have.
        assert (await sends.send(f"https://other.example:{port}/", {}, b"{}")).fault is Fault.CONNECTION
    async with answered(reply, server) as port, client() as sends:
        # And one whose issuer is not trusted.
        assert (await sends.send(f"https://{NAME}:{port}/hook", {}, b"{}")).fault is Fault.CONNECTION
    assert asked_for == [NAME, "other.example", NAME]
    (head,) = heads
    assert f"host: {NAME}:{port}".split(":")[1].encode() in head.lower()


async def test_no_answer_in_time_and_one_by_drops() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\nx: ")
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()

    for reply in (silent, dripping):
        async with answered(reply) as port, client(timeout=0.3) as sends:
            assert (await sends.send(f"http://127.0.0.1:{port}/", {}, b"{}")).fault is Fault.TIMEOUT


async def test_what_is_no_http_and_a_wait_that_is_asked_for() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"nonsense\r\n\r\n")
        writer.close()

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Busy\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with answered(nonsense) as port, client() as sends:
        assert (await sends.send(f"http://127.0.0.1:{port}/", {}, b"{}")).fault is Fault.CONNECTION
    async with answered(busy) as port, client() as sends:
        # No receiver puts a webhook off for more than a day.
        assert await sends.send(f"http://127.0.0.1:{port}/", {}, b"{}") == Answer(Fault.STATUS, 429, 86_400.0)
