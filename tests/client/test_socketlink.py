"""Which errors show that a network blocks WebSockets."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus, ProxyError
from websockets.http11 import Response

from ksmp_client.socketlink import blocked


def status(code: int, body: bytes) -> InvalidStatus:
    return InvalidStatus(Response(code, "", Headers(), body))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (status(403, b"origin not allowed"), False),
        (status(503, b"not ready"), False),
        (status(403, b"<html>"), True),
        (status(503, b""), True),
        (status(400, b""), True),
        (status(200, b""), True),
        (InvalidMessage("did not receive a valid HTTP response"), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (ConnectionRefusedError(), False),
        (ProxyError("no way"), False),
        (OSError("no route"), False),
        (ValueError("the app's own"), False),
    ],
)
def test_what_counts_as_a_refusal(error: Exception, expected: bool) -> None:
    assert blocked(error) is expected
