"""A NATS server of a test's own, whose configuration changes while it runs, and a proxy before it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from devstack.guard import Guard
from devstack.natsserver import NatsServer
from ksmp_testkit import eventually


class OwnServer(NatsServer):
    """A server with `always` and `extra` in its configuration."""

    def __init__(self, folder: Path, guard: Guard, **always: object) -> None:
        super().__init__(folder, guard=guard, restart=False)
        self.extra: dict[str, object] = {}
        self._always = always

    def _config(self, store: Path) -> dict[str, object]:
        config = super()._config(store)
        for name, value in {**self._always, **self.extra}.items():
            known = config.get(name)
            config[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
        return config

    async def reload(self, **extra: object) -> None:
        """Give the running server a configuration with `extra`, and wait until it has it."""
        self.extra = extra
        config = self._folder / "nats" / f"{self.name}.json"
        await asyncio.to_thread(config.write_bytes, msgspec.json.encode(self._config(config.parent / self.name)))
        before = (await self.variables())["config_load_time"]
        self.kill(signal.SIGHUP)

        async def loaded() -> bool:
            return (await self.variables())["config_load_time"] != before

        await eventually(loaded, "the configuration")

    async def restart(self, **extra: object) -> None:
        """For what the server does not take over by a reload."""
        await self.stop()
        self.extra = extra
        await self.start()

    async def variables(self) -> dict[str, Any]:
        """What the server tells about itself."""
        async with httpx.AsyncClient(trust_env=False) as http:
            found: dict[str, Any] = (await http.get(f"{self.monitor_url}/varz")).json()
        return found


def denied(**permissions: Any) -> dict[str, Any]:
    """A configuration in which everybody is permitted everything but this."""
    rules = {name: {"deny": permissions.get(name, ["nothing"])} for name in ("subscribe", "publish")}
    user = {"user": "u", "password": "p", "permissions": rules}
    return {"authorization": {"users": [user]}, "no_auth_user": "u"}


class Proxy:
    """Forwards TCP connections to a NATS server, and adds to what the server says."""

    def __init__(self) -> None:
        self.url = ""
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def say(self, line: bytes) -> None:
        """Tell every client something in the server's place."""
        for writer in self._writers:
            writer.write(line)

    def end(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()

    def hold(self) -> None:
        """Forward nothing more, also to the server. New connections are accepted."""
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        there, up = await asyncio.open_connection("127.0.0.1", port)
        self._writers.add(writer)
        try:
            _, left = await asyncio.wait(
                [asyncio.ensure_future(self._copy(reader, up)), asyncio.ensure_future(self._copy(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in left:
                task.cancel()
        finally:
            self._writers.discard(writer)
            up.transport.abort()
            writer.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                target.write(data)
                await target.drain()


@contextlib.asynccontextmanager
async def proxied(server: NatsServer) -> AsyncIterator[Proxy]:
    proxy = Proxy()
    port = int(server.url.rpartition(":")[2])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy.serve(reader, writer, port)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        listening.close()
        proxy.release()
        proxy.end()
