"""The way to Razorpay: whom the adapter trusts, and which proxies it obeys."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import razorpay as sdk
import requests

from gateway.errors import Unavailable
from gateway.settings import SettingsError
from modules.payments.vendor.outcomes import UnknownOutcome
from tests.modules.payments.vendor.authority import authority
from tests.modules.payments.vendor.conftest import Adapter, create
from tests.modules.payments.vendor.examples import payment
from tests.modules.payments.vendor.misbehaving import (
    Behaviour,
    Misbehaving,
    Request,
    answers,
    cuts,
    html,
    misbehaving,
)

PAYMENT = answers(payment())


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Misbehaving]]:
    """A server by TLS, and the file of the authority that speaks for it."""
    file, context = authority(tmp_path_factory.mktemp("authority"))
    with misbehaving(context) as server:
        server.otherwise = PAYMENT
        yield file, server


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_the_authorities_of_the_environment_are_trusted(
    trusted: tuple[Path, Misbehaving], adapter: Adapter, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    file, server = trusted
    monkeypatch.setenv(variable, str(file))
    assert (await adapter(url=server.url).payment("pay_1")).id == "pay_1"
    # The SDK by itself looks into a bundle of 2015.
    with pytest.raises(requests.exceptions.SSLError):
        sdk.Client(auth=("k", "s"), base_url=server.url).payment.fetch("pay_1", timeout=5)


async def test_nobody_else_is_trusted(trusted: tuple[Path, Misbehaving], adapter: Adapter) -> None:
    _, server = trusted
    before = len(server.requests)
    razorpay = adapter(url=server.url)
    # It is known that nothing was sent: the certificate comes before the request.
    with pytest.raises(Unavailable, match="SSLError"):
        await create(razorpay)
    assert len(server.requests) == before


def test_the_authorities_are_those_of_today(adapter: Adapter) -> None:
    """The SDK's bundle is of April 2015: younger authorities are not in it."""
    ours = adapter()._session.get_adapter("https://api.razorpay.com")._context  # type: ignore[attr-defined]
    theirs = ssl.create_default_context(cafile=sdk.Client(auth=("k", "s")).cert_path)

    assert "ISRG Root X2" in _names(ours)
    assert "ISRG Root X2" not in _names(theirs)


def _names(context: ssl.SSLContext) -> set[str]:
    parts = (part for entry in context.get_ca_certs() for part in entry["subject"])
    return {value for part in parts for name, value in part if name == "commonName"}


async def test_a_proxy_of_the_environment_is_obeyed(
    server: Misbehaving, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.does(PAYMENT)
    assert (await adapter(url="http://razorpay.invalid").payment("pay_1")).id == "pay_1"
    assert server.requests[0].target == "http://razorpay.invalid/v1/payments/pay_1"
    server.does(cuts)
    with pytest.raises(UnknownOutcome):
        await create(adapter(url="http://razorpay.invalid"))


async def test_what_no_proxy_names_is_reached_directly(
    server: Misbehaving, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.does(PAYMENT)
    assert (await adapter().payment("pay_1")).id == "pay_1"


@pytest.mark.parametrize("behaviour", [cuts, html(502), answers({}, 407)])
async def test_a_proxy_that_lets_nothing_through_sent_nothing(
    server: Misbehaving, adapter: Adapter, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    server.does(behaviour)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await create(adapter(url="https://razorpay.invalid"))
    assert [request.method for request in server.requests] == ["CONNECT"]
    assert "Authorization" not in server.requests[0].headers


async def test_tls_goes_through_a_proxy(
    server: Misbehaving, trusted: tuple[Path, Misbehaving], adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, there = trusted
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("https_proxy", server.url)
    server.does(_tunnels)
    assert (await adapter(url=there.url).payment("pay_1")).id == "pay_1"
    assert [request.method for request in server.requests] == ["CONNECT"]


def _tunnels(request: Request) -> None:
    host, _, port = request.target.rpartition(":")
    here = request.handler.connection
    with socket.create_connection((host, int(port))) as there:
        request.handler.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        pumps = [_pump(here, there), _pump(there, here)]
        for pump in pumps:
            pump.join()
    request.handler.close_connection = True


def _pump(source: socket.socket, target: socket.socket) -> Any:
    def pump() -> None:
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "proxy", ["socks5://ann:hunter2@127.0.0.1:9", "ftp://ann:hunter2@127.0.0.1:9", "http://ann:hunter2@[::"]
)
def test_a_proxy_that_cannot_be_used_stops_the_start(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(SettingsError, match="http_proxy") as caught:
        adapter()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_authorities_that_cannot_be_read_stop_the_start(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/authorities.pem")
    with pytest.raises(SettingsError, match=variable):
        adapter()
