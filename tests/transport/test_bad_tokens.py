"""Bad tokens: how many an address may show, who is closed, and that nobody else is kept out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from ksmp_testkit import MakeGateway, MakeToken, Running, WireClient, WireError
from ksmp_testkit.socket_client import connected, opened

BURST = 3
SCHOOL = "203.0.113.7"


@pytest.fixture
async def running(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway behind a proxy, which tells it the addresses."""
    async with gateway(
        trusted_proxies=("127.0.0.1",),
        refused_connect_rate=0.001,
        refused_connect_burst=BURST,
        refused_handshake_log=600.0,
    ) as running:
        yield running


def forged(token: str) -> str:
    """The same claims under another signature."""
    claims, _, signature = token.rpartition(".")
    return f"{claims}.{signature[::-1][:-1]}A"


async def refusal(client: WireClient, token: str) -> str:
    with pytest.raises(WireError) as caught:
        await client.connect(token)
    return caught.value.code


def at(running: Running, address: str) -> contextlib.AbstractAsyncContextManager[WireClient]:
    return opened(running.ws_url, additional_headers={"X-Forwarded-For": address})


async def use_up(running: Running, address: str, token: str) -> None:
    async with at(running, address) as client:
        for _ in range(BURST):
            assert await refusal(client, token) == "unauthenticated"


@pytest.mark.parametrize("bad", [forged, lambda token: "nonsense", lambda token: f"{token}x"])
async def test_over_the_limit_a_bad_token_closes_its_connection(
    running: Running, token: MakeToken, bad: Callable[[str], str]
) -> None:
    good = token("ada")
    async with at(running, SCHOOL) as client:
        # Within the limit it may be tried again on the same connection.
        for _ in range(BURST):
            assert await refusal(client, bad(good)) == "unauthenticated"
        assert (await client.connect(good))["user"]["id"] == "ada"
    async with at(running, SCHOOL) as client:
        assert await refusal(client, bad(good)) == "unauthenticated"
        assert await client.closed() == 4500


async def test_a_good_token_is_taken_from_where_many_bad_ones_came(running: Running, token: MakeToken) -> None:
    good = token("ada")
    await use_up(running, SCHOOL, forged(good))
    header = {"X-Forwarded-For": SCHOOL}
    # One that was seen before, and one that was not.
    for one in (good, good, token("bob")):
        async with connected(running.ws_url, one, additional_headers=header) as client:
            await client.call("ping")


async def test_each_network_has_its_own_limit(running: Running, token: MakeToken) -> None:
    bad = forged(token("ada"))
    await use_up(running, "2001:db8::1", bad)
    # A customer of IPv6 has a whole network.
    async with at(running, "2001:db8::2") as client:
        assert await refusal(client, bad) == "unauthenticated"
        assert await client.closed() == 4500
    for address in ("2001:db8:0:1::1", "203.0.113.8"):
        await use_up(running, address, bad)


async def test_tokens_that_were_good_once_are_not_counted(running: Running, token: MakeToken) -> None:
    expired = token("ada", ttl=-600.0)
    for _ in range(3):
        async with at(running, SCHOOL) as client:
            for _ in range(BURST):
                assert await refusal(client, expired) == "token_expired"
            await client.connect(token("ada"))
    await use_up(running, SCHOOL, "nonsense")


async def test_one_log_line_tells_of_many(
    running: Running, token: MakeToken, capsys: pytest.CaptureFixture[str]
) -> None:
    await use_up(running, SCHOOL, "nonsense")
    for _ in range(20):
        async with at(running, SCHOOL) as client:
            assert await refusal(client, "nonsense") == "unauthenticated"
            assert await client.closed() == 4500
    async with connected(running.ws_url, token("ada")):
        pass
    written = capsys.readouterr().out
    assert written.count("connects.refused") == 1
    # Nothing but that of the connection that was not refused.
    assert written.count("connection.closed") <= 1
    assert "connection.closing" not in written
