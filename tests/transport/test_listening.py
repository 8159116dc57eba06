"""The socket on which a gateway accepts connections."""

from __future__ import annotations

import socket

import pytest

from gateway.server import listen
from ksmp_testkit import MakeSettings
from tests import needs


def test_its_connections_do_not_hold_back_what_is_small(settings: MakeSettings) -> None:
    with listen(settings()) as listening, socket.create_connection(listening.getsockname()):
        served, _ = listening.accept()
        with served:
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(not needs.ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_on_every_address_it_takes_clients_of_ipv4_and_ipv6(settings: MakeSettings, family: int) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with listen(settings(host="::")) as listening:
        socket.create_connection((host, listening.getsockname()[1]), timeout=5).close()
