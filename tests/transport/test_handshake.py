"""How a socket is opened: subprotocols, origins, compression, and when it is refused."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from ksmp_testkit import MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected, opened

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@pytest.mark.parametrize(
    ("offered", "accepted", "codec"),
    [
        ([], None, "json"),
        (["ksmp.v1.json"], "ksmp.v1.json", "json"),
        (["ksmp.v1.msgpack"], "ksmp.v1.msgpack", "msgpack"),
        (["other", "ksmp.v1.msgpack", "ksmp.v1.json"], "ksmp.v1.msgpack", "msgpack"),
    ],
)
async def test_the_offered_subprotocols_choose_the_codec(
    node: Running, token: MakeToken, offered: list[str], accepted: str | None, codec: str
) -> None:
    async with opened(node.ws_url, subprotocols=offered) as client:
        assert client.socket.subprotocol == accepted
        assert client.codec == codec
        assert (await client.connect(token("sub")))["user"]["id"] == "sub"


async def test_only_unknown_subprotocols_are_none(node: Running) -> None:
    async with opened(node.ws_url, subprotocols=["other"]) as client:
        assert client.socket.subprotocol is None


async def test_a_foreign_origin_is_refused(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(allowed_origins=("https://learn.example",)) as running:
        for origin in ("https://evil.example", "https://learn.example.evil", "http://learn.example", "null", ""):
            with pytest.raises(InvalidStatus) as caught:
                async with opened(running.ws_url, origin=origin):
                    pass
            assert caught.value.response.status_code == 403
        for allowed in ("https://learn.example", None):
            async with connected(running.ws_url, token("origin"), origin=allowed):
                pass


async def test_refused_handshakes_are_limited_by_address_and_logged_together(
    gateway: MakeGateway, token: MakeToken, capsys: pytest.CaptureFixture[str]
) -> None:
    async with gateway(
        allowed_origins=("https://learn.example",),
        trusted_proxies=("127.0.0.1",),
        refused_handshake_rate=0.01,
        refused_handshake_burst=3,
        refused_handshake_log=600.0,
    ) as running:

        async def answers(address: str | None, count: int, **headers: str) -> list[tuple[int, str]]:
            """What so many handshakes of this address are answered, as the proxy tells it."""
            sent = {**UPGRADE, "Origin": "https://evil.example", **headers}
            sent |= {} if address is None else {"X-Forwarded-For": address}
            async with httpx.AsyncClient(base_url=running.url) as rest:
                found = [await rest.get("/realtime", headers=sent) for _ in range(count)]
            assert all(("retry-after" in one.headers) == (one.status_code == 429) for one in found)
            return [(one.status_code, one.json()["code"]) for one in found]

        forbidden, limited = (403, "forbidden"), (429, "rate_limited")
        assert await answers("203.0.113.7", 5) == [forbidden] * 3 + [limited] * 2
        # Whatever is wrong with it counts. Another address has its own limit, and so has who is no proxy.
        assert await answers("203.0.113.7", 1, **{"Sec-WebSocket-Version": "12"}) == [limited]
        assert await answers("203.0.113.8", 1) == await answers(None, 1) == [forbidden]
        # A customer of IPv6 has a whole network.
        assert await answers("2001:db8::1", 3) == [forbidden] * 3
        assert await answers("2001:db8::2", 1) == [limited]
        # A good handshake is taken from where many bad ones came.
        assert await answers(None, 4) == [forbidden] * 2 + [limited] * 2
        async with connected(running.ws_url, token("ada"), origin="https://learn.example"):
            pass
    assert capsys.readouterr().out.count("connections.refused") == 1


async def test_a_gateway_without_its_bus_takes_no_sockets(gateway: MakeGateway) -> None:
    # The port is bound and not listening: connections are refused, and no other program takes it.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nowhere = f"nats://127.0.0.1:{bound.getsockname()[1]}"
        async with gateway(nats_url=(nowhere,), ready=False) as running:
            async with asyncio.timeout(10):
                while not running.server.started:
                    await asyncio.sleep(0.01)
            with pytest.raises(InvalidStatus) as caught:
                async with opened(running.ws_url):
                    pass
            assert caught.value.response.status_code == 503


async def test_compression_keeps_no_context_on_the_server_s_side(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("deflate")) as client:
        assert client.socket.response is not None
        assert "server_no_context_takeover" in client.socket.response.headers["Sec-WebSocket-Extensions"]
        # This client compresses what it sends.
        assert (await client.call("ping", padding="x" * 5000))["server_time"] > 0


async def test_a_client_without_compression_is_served(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("plain"), compression=None) as client:
        assert client.socket.response is not None
        assert "Sec-WebSocket-Extensions" not in client.socket.response.headers
        await client.call("ping")


async def test_a_message_may_come_in_fragments(node: Running, token: MakeToken) -> None:
    async with connected(node.ws_url, token("parts")) as client:
        await client.socket.send(['{"id": 99,', ' "cmd"', ': "ping"}'])
        assert (await client.reply(99))["server_time"] > 0


async def test_the_token_is_not_taken_from_the_url(node: Running, token: MakeToken) -> None:
    async with opened(f"{node.ws_url}?token={token('url')}") as client:
        await client.send("ping")
        assert await client.closed() == 4502
