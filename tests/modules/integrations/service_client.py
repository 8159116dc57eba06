"""A program with an API key, as the tests use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from ksmp_testkit import Running
from ksmp_testkit.answers import done

ADMIN = "/api/v1/integrations"
MakeService = Callable[..., Awaitable["ServiceClient"]]


@dataclass(frozen=True)
class ServiceClient:
    """`id` is the service's, `key` the id of its key, `secret` the whole key; `http` shows it."""

    id: str
    key: str
    secret: str
    http: httpx.AsyncClient


def shows(url: str, secret: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{url}/api/v1/server", headers={"Authorization": f"Bearer {secret}"})


async def service_maker(
    node: Running, admin: httpx.AsyncClient, scopes: list[str], rooms: list[str], service: str | None = None
) -> ServiceClient:
    """A key of a service, or of a new one."""
    if service is None:
        service = done(await admin.post(f"{ADMIN}/services", json={"name": "School system"}), 201)["id"]
    body = {"scopes": scopes, "rooms": rooms}
    shown = done(await admin.post(f"{ADMIN}/services/{service}/keys", json=body), 201)
    return ServiceClient(service, shown["key"]["id"], shown["secret"], shows(node.url, shown["secret"]))
