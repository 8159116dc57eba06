"""Clients of AWS services. They are built without IO, and opened when the gateway starts or by their first call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class AwsConfig:
    """Where AWS is. An empty endpoint is AWS itself. The SDK finds the credentials in its own ways."""

    region: str
    endpoint: str
    # In seconds, for each call.
    timeout: float


class ServiceClient:
    """The SDK's client of one service: `await client.list_stages(maxResults=50)`.

    `open`, or else the first call, opens it once for the life of the process, because that is costly: the SDK reads
    the service's description from the disk. `close` ends it.
    """

    def __init__(self, config: AwsConfig, service: str, *, wait: float = 0.0, tries: int = 3, **options: Any) -> None:
        self._aws = config
        self._service = service
        self._options = {
            "retries": {"total_max_attempts": tries, "mode": "standard"},
            "connect_timeout": config.timeout,
            "read_timeout": wait + config.timeout,
        } | options
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        # The SDK's client and the credentials, while they are open.
        self._opened: tuple[Any, Any] | None = None

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        if operation.startswith("_"):
            raise AttributeError(operation)

        async def call(**parameters: Any) -> Any:
            return await getattr(await self.open(), operation)(**parameters)

        return call

    async def open(self) -> Any:
        """The SDK's client."""
        client, _ = await self._open_once()
        return client

    async def credentials(self) -> Any:
        """The process's own credentials, which may be those of a role and end."""
        _, credentials = await self._open_once()
        return credentials

    async def _open_once(self) -> tuple[Any, Any]:
        async with self._opening:
            if self._opened is None:
                # Only here: it is large, and a platform without video does not need it.
                import aioboto3  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
                from aiobotocore.session import AioSession  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
                from botocore.config import Config  # noqa: PLC0415

                core = AioSession()
                # In a thread: they are read from the disk, which would hold up everybody on this gateway.
                core.register_component("data_loader", await asyncio.to_thread(_descriptions, self._service))
                session = aioboto3.Session(region_name=self._aws.region, botocore_session=core)
                client = session.client(
                    self._service, endpoint_url=self._aws.endpoint or None, config=Config(**self._options)
                )
                self._opened = await self._open.enter_async_context(client), await session.get_credentials()
            return self._opened

    async def close(self) -> None:
        self._opened = None
        await self._open.aclose()


@cache
def _loader() -> Any:
    """Keeps what it has read: most of it is the same for all services, and all clients of the process share it."""
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader()


def _descriptions(service: str) -> Any:
    """The loader, which has read what a client of this service asks it for."""
    loader = _loader()
    for kind in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model(service, kind)
    for name in ("endpoints", "sdk-default-configuration", "partitions", "_retry"):
        loader.load_data(name)
    return loader
