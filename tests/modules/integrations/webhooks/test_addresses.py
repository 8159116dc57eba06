"""Where webhooks may go, and what is refused: by the form of an address, and by what a name stands for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.errors import BadInput
from gateway.settings import SettingsError
from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.integrations.settings import IntegrationsSettings
from modules.integrations.webhooks.addresses import NoAddress, PrivateAddress, checked_url, is_public, resolved
from modules.live.events import SessionCancelled
from tests.modules.integrations.service_client import ADMIN
from tests.modules.integrations.webhooks.receiver import Receiver, receiving

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822", "2002:5db8:d822::1"]
PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2001:0:53aa:64c:0:0:0:1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "nonsense",
]


def test_which_addresses_are_public() -> None:
    assert [text for text in PUBLIC if not is_public(text)] == []
    assert [text for text in PRIVATE if is_public(text)] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://school.example/hook",
        "ftp://school.example/hook",
        "https://user:secret@school.example/",
        "https://school.example/#part",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://localhost./",
        "https://any.localhost:8443/",
        "https:///nothing",
        "https://0177.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://school.example/" + "a" * 2000,
    ],
)
def test_an_endpoint_is_a_public_address_with_tls(url: str) -> None:
    with pytest.raises(BadInput):
        checked_url(url, private=False)


def test_good_endpoints() -> None:
    for url in ("https://school.example/hook?a=b", "https://exämple.org:8443/", f"https://{PUBLIC[0]}/"):
        assert checked_url(url, private=False) == url
    assert checked_url("http://127.0.0.1:8080/", private=True)


async def test_numbers_that_stand_for_this_machine_are_seen_when_they_are_looked_up() -> None:
    """Resolvers take 127.1, 2130706433 and 0x7f000001 for an address. What they give is what is looked at."""
    for host in ("127.1", "2130706433", "0x7f000001"):
        with pytest.raises((PrivateAddress, NoAddress)):
            await resolved(httpx.URL(f"https://{host}/"), private=False)


def test_private_addresses_are_refused_in_production() -> None:
    with pytest.raises(SettingsError, match="KSMP_INTEGRATIONS_PRIVATE_ADDRESSES"):
        IntegrationsSettings(private_addresses=True).examine(production=True)
    assert IntegrationsSettings(private_addresses=True).examine(production=False)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway as in production: no private addresses."""
    environ = {"KSMP_INTEGRATIONS_WEBHOOK_INTERVAL": "0.05", "KSMP_INTEGRATIONS_WEBHOOK_ATTEMPTS": "1"}
    async with gateway(environ=environ) as running:
        yield running


async def test_a_name_that_stands_for_this_machine_is_sent_nothing(
    node: Running, caller: Caller, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that was public when it was registered, and says something else when a webhook is sent to it."""
    admin = caller("boss", "admin")
    service = done(await admin.post(f"{ADMIN}/services", json={"name": "Attacker"}), 201)["id"]
    path = f"{ADMIN}/services/{service}/endpoints"
    refused(await admin.post(path, json={"url": "https://127.0.0.1/"}), 400, "invalid")
    loop = asyncio.get_running_loop()
    lookup = loop.getaddrinfo
    asked: list[str] = []

    async def rebinding(host: Any, port: Any, **more: Any) -> Any:
        if host != "rebinding.example":
            return await lookup(host, port, **more)
        asked.append(host)
        kinds = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kinds, ("93.184.216.34", port)), (*kinds, ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    async with receiving() as receiver:
        url = f"https://rebinding.example:{receiver.port}/"
        body = {"url": url, "events": ["live.session_cancelled"]}
        made = done(await admin.post(path, json=body), 201)["endpoint"]
        await node.publish_event(SessionCancelled("rebinding", "p"))
        found: list[dict[str, Any]] = []

        async def failed() -> bool:
            found[:] = done(await admin.get(f"{ADMIN}/endpoints/{made['id']}/deliveries"))["items"]
            return bool(found) and found[0]["state"] == "failed"

        await eventually(failed, "it has failed")
        assert (found[0]["fault"], found[0]["status"]) == ("address", None)
        assert asked == ["rebinding.example"]
        assert _untouched(receiver)
    await database.execute("UPDATE integrations_endpoint SET enabled = false WHERE id = $1::text::uuid", made["id"])


def _untouched(receiver: Receiver) -> bool:
    return not receiver.received
