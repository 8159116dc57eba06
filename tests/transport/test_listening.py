"""The socket on which a gateway accepts connections."""

from __future__ import annotations

import socket

from gateway.server import listen
from ksmp_testkit import MakeSettings


def test_its_connections_do_not_hold_back_what_is_small(settings: MakeSettings) -> None:
    with listen(settings()) as listening, socket.create_connection(listening.getsockname()):
        served, _ = listening.accept()
        with served:
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
