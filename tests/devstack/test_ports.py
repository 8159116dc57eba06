"""Ports: free means that a server could listen, and chosen ones are safe from outgoing connections."""

from __future__ import annotations

import socket
from pathlib import Path

from devstack import ports


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_chosen_ports_are_free_and_below_those_of_outgoing_connections() -> None:
    chosen: set[int] = set()
    for _ in range(20):
        port = ports.choose(chosen)
        assert port not in chosen
        assert ports.is_free(port)
        chosen.add(port)
    known = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(known.read_text().split()[0]) if known.exists() else 32_768
    assert lowest <= ports.LOWEST + 1000 or max(chosen) < lowest
