"""Addresses of a gateway, from the URL that an app gives."""

from __future__ import annotations

import pytest

from ksmp_client.address import http_address, on_this_machine, realtime_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/realtime"),
        ("https://live.example/", "wss://live.example/realtime"),
        ("ws://[::1]:8000/realtime", "ws://[::1]:8000/realtime"),
        ("wss://live.example/behind/realtime?v=1#x", "wss://live.example/behind/realtime?v=1"),
    ],
)
def test_addresses_as_people_have_them(text: str, url: str) -> None:
    assert realtime_url(text) == url


@pytest.mark.parametrize("text", ["", "127.0.0.1:8000", "ftp://a", "http://"])
def test_what_is_no_address_is_said_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="is no address of a gateway"):
        realtime_url(text)


@pytest.mark.parametrize(
    ("url", "events", "commands"),
    [
        ("ws://h:1/realtime", "http://h:1/realtime/sse", "http://h:1/api/v1/rooms/r/commands"),
        ("wss://h/a/realtime/?v=1", "https://h/a/realtime/sse", "https://h/a/api/v1/rooms/r/commands"),
        ("ws://h/socket", "http://h/socket/sse", "http://h/api/v1/rooms/r/commands"),
    ],
)
def test_the_addresses_without_a_websocket(url: str, events: str, commands: str) -> None:
    address = http_address(url)
    assert (address.events, address.commands("r")) == (events, commands)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost", "dev.localhost"])
def test_what_is_on_this_machine(host: str) -> None:
    assert on_this_machine(realtime_url(f"http://{host}:8000"))


@pytest.mark.parametrize("host", ["192.0.2.1", "127.0.0.1.example", "localhost.example", "[2001:db8::1]"])
def test_what_is_elsewhere(host: str) -> None:
    assert not on_this_machine(realtime_url(f"http://{host}:8000"))
