"""A real HTTP server that publishes a JWK Set, counts its requests and can fail in several ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm


def jwk(key: RSAPrivateKey, kid: str, **members: Any) -> dict[str, Any]:
    """The public half of a key as a signing key of a JWK Set, with some members changed."""
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": public["n"], "e": public["e"], **members}


class JwksServer:
    """Answers every request with `body` and `status`, once `gate` is open, at a steady port while it is up."""

    def __init__(self) -> None:
        self.requests = 0
        self.status = 200
        self.body = b'{"keys": []}'
        self.headers: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.respond: Callable[[asyncio.StreamWriter], Any] | None = None
        self._counted = asyncio.Condition()
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/.well-known/jwks.json"

    def publish(self, *keys: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": keys}).encode()

    def publish_pairs(self, pairs: Sequence[tuple[str, RSAPrivateKey]]) -> None:
        self.publish(*(jwk(key, kid) for kid, key in pairs))

    async def reached(self, count: int) -> None:
        """Wait until so many requests have come, at most five seconds."""
        async with asyncio.timeout(5), self._counted:
            await self._counted.wait_for(lambda: self.requests >= count)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            async with self._counted:
                self.requests += 1
                self._counted.notify_all()
            await self.gate.wait()
            if self.respond is not None:
                await self.respond(writer)
            else:
                lines = [f"HTTP/1.1 {self.status} X", f"Content-Length: {len(self.body)}", "Connection: close"]
                writer.write("\r\n".join([*lines, *self.headers, "", ""]).encode() + self.body)
                await writer.drain()
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
