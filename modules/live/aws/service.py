"""Clients of AWS services, which exist before they are open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Access:
    """Where AWS is; an empty endpoint is AWS itself. Credentials come as every AWS SDK takes them."""

    region: str
    endpoint: str
    # In seconds, for each call.
    timeout: float


class ServiceClient:
    """The SDK's client of one service: `await client.list_stages(maxResults=50)`.

    Building one costs nothing. `open`, or else the first call, opens it once for the life of the process, because
    opening is costly: the SDK reads the service's description from the disk. `close` ends it.
    """

    def __init__(self, access: Access, service: str, *, wait: float = 0.0, tries: int = 3, **config: Any) -> None:
        self._access = access
        self._service = service
        self._config = {
            "retries": {"total_max_attempts": tries, "mode": "standard"},
            "connect_timeout": access.timeout,
            "read_timeout": wait + access.timeout,
        } | config
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._opened: list[Any] = []

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        if operation.startswith("_"):
            raise AttributeError(operation)

        async def call(**parameters: Any) -> Any:
            return await getattr(await self.open(), operation)(**parameters)

        return call

    async def open(self) -> Any:
        """The SDK's client."""
        async with self._opening:
            if not self._opened:
                # Only here: it is large, and a platform without video does not need it.
                import aioboto3  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
                from botocore.config import Config  # noqa: PLC0415

                session = aioboto3.Session(region_name=self._access.region)
                client = session.client(
                    self._service, endpoint_url=self._access.endpoint or None, config=Config(**self._config)
                )
                self._opened = [await self._open.enter_async_context(client), await session.get_credentials()]
            return self._opened[0]

    async def credentials(self) -> Any:
        """The process's own credentials, which may be those of a role and end."""
        await self.open()
        return self._opened[1]

    async def close(self) -> None:
        self._opened = []
        await self._open.aclose()
