"""Limits on requests: of a user, of an address, of a route, and over all gateways."""

from __future__ import annotations

import asyncio
import time
import uuid

import httpx
import pytest
from uvicorn.middleware.proxy_headers import _TrustedHosts

from gateway.client_network import network_of, with_mapped
from gateway.protocol.bucket import Bucket
from ksmp_testkit import Caller, MakeGateway, MakeToken

ME = "/api/v1/auth/me"
CONFIG = "/api/v1/auth/config"
PUBLIC = "/api/docs"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def limited(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    problem = answer.json()
    assert (problem["code"], problem["temporary"]) == ("rate_limited", True)
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["ratelimit-remaining"] == "0"


async def test_a_user_has_a_limit_and_so_has_who_is_nobody(gateway: MakeGateway, token: MakeToken) -> None:
    limits = {"request_rate": 0.01, "request_burst": 3, "address_rate": 0.01, "address_burst": 4}
    async with gateway(**limits) as running, httpx.AsyncClient(base_url=running.url) as http:
        ann, ben = bearer(token("ann")), bearer(token("ben"))
        left = []
        for _ in range(3):
            answer = await http.get(ME, headers=ann)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-limit"] == "3"
            assert answer.headers["ratelimit-policy"] == "3;w=300"
            assert 0 <= int(answer.headers["ratelimit-reset"]) <= 300
            left.append(int(answer.headers["ratelimit-remaining"]))
        assert left == [2, 1, 0]
        limited(await http.get(ME, headers=ann))
        # A newer token is no other user, and another user of the same address is.
        limited(await http.get(ME, headers=bearer(token("ann", ttl=60.0))))
        assert (await http.get(ME, headers=ben)).status_code == 200
        # Whoever shows no good token is counted by address, whichever route it is.
        for headers, status in (({}, 401), (bearer("x.y.z"), 401), ({"Authorization": "Basic eA=="}, 401)):
            assert (await http.get(ME, headers=headers)).status_code == status
        assert (await http.get(PUBLIC)).status_code == 200
        limited(await http.get(PUBLIC))
        limited(await http.get(ME, headers=bearer("x.y.z")))
        assert (await http.get(ME, headers=ben)).status_code == 200
        # Probes are asked often, from few addresses.
        for path in ("/health/live", "/health/ready"):
            answer = await http.get(path)
            assert answer.status_code == 200
            assert "ratelimit-limit" not in answer.headers


async def test_who_has_to_sign_in_again_learns_of_it_however_busy_the_address_is(
    gateway: MakeGateway, token: MakeToken
) -> None:
    limits = {"request_rate": 0.1, "request_burst": 3, "address_rate": 0.01, "address_burst": 2}
    async with gateway(**limits) as running, httpx.AsyncClient(base_url=running.url) as http:
        user = uuid.uuid4().hex
        revoked, expired = bearer(token(user)), bearer(token(user, ttl=-3600.0))
        assert (await http.post("/api/v1/auth/logout", headers=revoked)).status_code == 204
        for _ in range(2):
            assert (await http.get(ME, headers=bearer("x.y.z"))).status_code == 401
        # A flood of made-up tokens, or of none, is limited.
        for headers in ({}, bearer("x.y.z"), bearer(f"{expired['Authorization'][7:]}x")):
            limited(await http.get(ME, headers=headers))
        for headers, code in ((expired, "token_expired"), (revoked, "unauthenticated")):
            for _ in range(3):
                answer = await http.get(ME, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (401, code)
            # Nobody can ask for ever.
            limited(await http.get(ME, headers=headers))
        for _ in range(3):
            answer = await http.get(CONFIG, headers=expired)
            assert answer.status_code == 200
            assert "ratelimit-limit" not in answer.headers


async def test_a_route_may_have_its_own(caller: Caller) -> None:
    ann, ben = caller(uuid.uuid4().hex), caller(uuid.uuid4().hex)
    left = []
    for _ in range(3):
        answer = await ann.get("/api/v1/notes/scarce")
        assert answer.headers["ratelimit-policy"] == "3;w=60"
        left.append(answer.headers["ratelimit-remaining"])
    assert left == ["2", "1", "0"]
    limited(await ann.get("/api/v1/notes/scarce"))
    assert (await ann.get(ME)).status_code == 200
    assert (await ben.get("/api/v1/notes/scarce")).status_code == 200


async def test_gateways_share_a_limit(gateway: MakeGateway, token: MakeToken) -> None:
    limits = {"request_rate": 0.01, "request_burst": 6, "rate_interval": 0.02}
    ann = bearer(token(uuid.uuid4().hex))
    async with (
        gateway(**limits) as one,
        gateway(**limits) as two,
        httpx.AsyncClient(base_url=one.url) as first,
        httpx.AsyncClient(base_url=two.url) as second,
    ):
        for _ in range(4):
            assert (await first.get(ME, headers=ann)).status_code == 200
        # Word travels a moment later; each look costs a request, so what is left goes down by more than one.
        await asyncio.sleep(0.3)
        answer = await second.get(ME, headers=ann)
        assert answer.headers["ratelimit-remaining"] == "1"
        await asyncio.sleep(0.3)
        assert (await first.get(ME, headers=ann)).headers["ratelimit-remaining"] == "0"
        await asyncio.sleep(0.3)
        limited(await second.get(ME, headers=ann))


async def test_a_proxy_is_believed_when_it_is_trusted(gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    # What uvicorn takes for a setting of its own.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    for proxies, together in (((), True), (("127.0.0.0/8",), False)):
        async with (
            gateway(address_rate=0.01, address_burst=1, trusted_proxies=proxies) as running,
            httpx.AsyncClient(base_url=running.url) as http,
        ):
            first = await http.get(PUBLIC, headers={"X-Forwarded-For": "198.51.100.7"})
            assert first.status_code == 200
            second = await http.get(PUBLIC, headers={"X-Forwarded-For": "198.51.100.8"})
            assert (second.status_code == 429) == together


def test_an_ipv6_customer_is_one_network() -> None:
    assert network_of("2001:db8:1:2::3") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::3")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("unix") == "unix"


def test_an_ipv4_customer_is_one_address_however_it_is_written() -> None:
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("::ffff:192.0.2.1") == network_of("::FFFF:c000:201") == network_of("192.0.2.1")
    assert network_of("::ffff:192.0.2.1") != network_of("::ffff:192.0.2.2")


def test_a_trusted_proxy_is_one_also_where_ipv6_writes_its_address() -> None:
    trusted = _TrustedHosts(with_mapped(["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "unix"]))
    for host in ("10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::7", "unix"):
        assert host in trusted, host
    for host in ("11.1.2.3", "::ffff:11.1.2.3", "::ffff:192.0.2.2", "2001:db9::7"):
        assert host not in trusted, host


async def test_mapped_clients_behind_a_proxy_have_a_limit_each(gateway: MakeGateway) -> None:
    limits = {"address_rate": 0.01, "address_burst": 1, "trusted_proxies": ("127.0.0.0/8",)}
    async with gateway(**limits) as running, httpx.AsyncClient(base_url=running.url) as http:
        for address, status in (("::ffff:198.51.100.7", 200), ("::ffff:198.51.100.8", 200), ("198.51.100.7", 429)):
            assert (await http.get(PUBLIC, headers={"X-Forwarded-For": address})).status_code == status, address


def test_what_others_took_is_a_debt_of_at_most_a_burst() -> None:
    bucket, now = Bucket(1.0, 10), time.monotonic()
    bucket.spend(now, 4)
    assert bucket.level(now) == 6
    bucket.spend(now, 100)
    assert bucket.level(now) == -10
    assert bucket.take(now) == 11.0
    assert bucket.take(now + 11.0) == 0.0
