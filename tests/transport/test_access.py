"""Revoked tokens (4501) and banned users (4504) are kept out, on every gateway and on every way in."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from ksmp_testkit import MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected, opened

TIMEOUT = 5.0


@pytest.fixture(scope="module")
async def other(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway() as running:
        yield running


@pytest.fixture
def user() -> str:
    return f"u-{uuid.uuid4().hex[:12]}"


async def me(running: Running, token: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=running.url, headers={"Authorization": f"Bearer {token}"}) as http:
        return await http.get("/api/v1/auth/me")


async def refused(running: Running, token: str) -> str:
    """The code with which a connect with this token is refused."""
    async with opened(running.ws_url) as client:
        with pytest.raises(WireError) as caught:
            await client.connect(token)
        return caught.value.code


async def test_4501_revoked_tokens_are_of_no_use_anywhere(
    node: Running, other: Running, token: MakeToken, user: str
) -> None:
    old = token(user)
    assert (await me(other, old)).status_code == 200
    async with connected(node.ws_url, old) as here, connected(other.ws_url, old) as there:
        started = time.monotonic()
        await node.gateway.access.revoke(user)
        for client in (here, there):
            disconnect = await client.disconnect_push(timeout=TIMEOUT)
            assert disconnect["code"] == 4501
            assert disconnect["reconnect"] is False
        print(f"revoked everywhere after {time.monotonic() - started:.3f} s")
    for running in (node, other):
        assert (await me(running, old)).status_code == 401
        assert await refused(running, old) == "unauthenticated"
    # Issue times are whole seconds; one of the next is another token.
    await asyncio.sleep(1.1)
    async with connected(other.ws_url, token(user)):
        pass


async def test_4504_a_banned_user_is_out_until_the_ban_is_lifted(
    node: Running, other: Running, token: MakeToken, user: str
) -> None:
    async with connected(other.ws_url, token(user)) as client:
        await node.gateway.access.ban(user)
        disconnect = await client.disconnect_push(timeout=TIMEOUT)
        assert disconnect["code"] == 4504
    assert await refused(other, token(user)) == "forbidden"
    assert (await me(other, token(user))).status_code == 403
    await node.gateway.access.unban(user)
    async with asyncio.timeout(TIMEOUT):
        while (await me(other, token(user))).status_code != 200:
            await asyncio.sleep(0.05)


async def test_an_event_stream_of_a_revoked_user_ends(
    node: Running, other: Running, token: MakeToken, user: str
) -> None:
    headers = {"Authorization": f"Bearer {token(user)}"}
    async with (
        httpx.AsyncClient(base_url=other.url, headers=headers, timeout=TIMEOUT) as http,
        http.stream("GET", "/realtime/sse") as response,
    ):
        lines = response.aiter_lines()
        assert "joined" in await anext(lines) + await anext(lines)
        await node.gateway.access.revoke(user)
        rest = []
        with contextlib.suppress(StopAsyncIteration):
            while True:
                rest.append(await anext(lines))
        assert any('"disconnect"' in line and "4501" in line for line in rest)


async def test_it_holds_after_a_restart(gateway: MakeGateway, node: Running, token: MakeToken, user: str) -> None:
    old = token(user)
    await node.gateway.access.revoke(user)
    async with gateway() as fresh:
        assert await refused(fresh, old) == "unauthenticated"
