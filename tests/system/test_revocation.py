"""A user whom an admin revokes is out everywhere at once, also when a NATS node dies in that moment."""

from __future__ import annotations

import asyncio
import contextlib
import time

import httpx
import pytest
import websockets

from gateway.principal import Role
from ksmp_testkit.socket_client import WireError, connected, opened
from tests.system.cluster import running

# The promise is one second; a busy machine gets more.
SOON = 5.0


async def test_whichever_of_three_nats_nodes_dies(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path_factory.mktemp("revocation"), nats_nodes=3) as cluster, httpx.AsyncClient() as http:
        admin = cluster.issuer.token("admin", name="admin", role=Role.ADMIN, ttl=600)
        leader = await cluster.stream_leader()
        for number, server in enumerate(sorted(cluster.nats.servers, key=lambda one: one is not leader)):
            user = f"revoked-{number}"
            token = cluster.issuer.token(user, name=user, role=Role.STUDENT, ttl=600)
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(connected(url, token)) for url in cluster.urls]
                server.kill()
                started = time.monotonic()
                await revoke(http, cluster.urls[number % 2], admin, user)
                took = []
                for client in clients:
                    assert (await client.disconnect_push(timeout=SOON))["code"] == 4501
                    took.append(time.monotonic() - started)
            which = "leads the stream" if server is leader else "follows"
            with capsys.disabled():
                print(f"\n  the NATS node that {which} dies: out after {max(took):.3f} s")
            await refused_everywhere(cluster.urls, token)
            await server.start()
            await settled(cluster.urls, cluster.issuer.token("calm", name="calm", role=Role.STUDENT, ttl=600))


async def revoke(http: httpx.AsyncClient, url: str, admin: str, user: str) -> None:
    place = url.replace("ws://", "http://").removesuffix("/realtime") + "/api/v1/auth/revoke"
    answer = await http.post(place, json={"user_id": user}, headers={"Authorization": f"Bearer {admin}"}, timeout=SOON)
    assert answer.status_code == 204, answer.text


async def refused_everywhere(urls: list[str], token: str) -> None:
    for url in urls:
        async with asyncio.timeout(20):
            while True:
                try:
                    async with opened(url) as client:
                        with pytest.raises(WireError) as caught:
                            await client.connect(token)
                        assert caught.value.code == "unauthenticated"
                        break
                except (OSError, websockets.WebSocketException):
                    await asyncio.sleep(0.1)


async def settled(urls: list[str], token: str) -> None:
    """Every gateway lets others in, so that the log has a leader again."""
    for url in urls:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(WireError, OSError, websockets.WebSocketException):
                    async with connected(url, token):
                        break
                await asyncio.sleep(0.2)
