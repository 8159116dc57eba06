"""Event streams cut into events, and problem details read as errors."""

from __future__ import annotations

import itertools

import httpx
import msgspec
import pytest

from ksmp_client.eventstream import Events, problem
from ksmp_client.wire import LARGEST_MESSAGE

STREAM = (
    b": hello\n\n"
    b'id: session:a|e|1\ndata: {"a":"\xe2\x80\xa8\xc2\x85"}\n\n'
    b"data:2\r\n\r\n"
    b"event: x\nretry: 1\n\n"
    b"data: 3\ndata: 4\n\n"
    b"data: 5\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_found_however_the_bytes_come(size: int) -> None:
    events = Events()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    found = list(itertools.chain.from_iterable(events.feed(piece) for piece in pieces))
    # The last event never ended, and so never was.
    assert found == ['{"a":"\u2028\x85"}'.encode(), b"2", b"3\n4"]


def test_an_event_without_an_end_is_given_up() -> None:
    with pytest.raises(msgspec.DecodeError):
        Events().feed(b"data: " + b"x" * LARGEST_MESSAGE)


def test_only_a_gateway_has_an_error_to_tell() -> None:
    headers = {"content-type": "application/problem+json", "retry-after": "2"}
    body = {"code": "rate_limited", "title": "Too Many", "detail": "too many", "temporary": True, "status": 429}
    error = problem(httpx.Response(429, headers=headers, content=msgspec.json.encode(body)))
    assert error is not None
    assert (error.code, error.message, error.temporary, error.retry_after) == ("rate_limited", "too many", True, 2.0)
    assert problem(httpx.Response(502, html="<p>Bad Gateway")) is None
    assert problem(httpx.Response(502, headers=headers, content=b"{}")) is None
