"""Which transport comes next, and the parts of an event stream: no network."""

from __future__ import annotations

import itertools

import httpx
import msgspec
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus, ProxyError
from websockets.http11 import Response

from ksmp_client import User
from ksmp_client.address import http_address
from ksmp_client.eventstream import Events, problem
from ksmp_client.socketlink import blocked
from ksmp_client.tokens import user_of_rooms
from ksmp_client.transport_policy import TransportPolicy
from ksmp_client.wire import LARGEST_MESSAGE


def test_two_refusals_in_a_row_lead_to_the_event_stream() -> None:
    policy = TransportPolicy(30)
    policy.refused(0)
    assert policy.transport == "websocket"
    policy.upgraded()
    policy.refused(0)
    assert policy.transport == "websocket"
    policy.refused(0)
    assert policy.transport == "sse"
    policy.upgraded()
    assert policy.transport == "websocket"


def test_the_waits_for_a_websocket_grow_and_outlast_streams() -> None:
    policy = TransportPolicy(30)
    policy.refused(100)
    for ceiling in (30, 60, 120, 240, 480, 600, 600):
        policy.refused(100)
        assert 0 <= policy.due_in(100) <= ceiling
        assert policy.due_in(100 + ceiling) == 0


def test_when_no_stream_opens_both_are_tried_in_turn() -> None:
    policy = TransportPolicy(30)
    policy.refused(0)
    policy.unreachable()
    assert policy.transport == "websocket"
    policy.refused(0)
    assert policy.transport == "sse"
    policy.unreachable()
    assert policy.transport == "websocket"
    policy.refused(0)
    assert policy.transport == "sse"


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


def test_who_we_are_is_user_of_rooms_the_rooms() -> None:
    token = "e30.eyJuYW1lIjoiQXNoYSJ9.x"
    assert user_of_rooms(["user:u1", "announce:student", "announce:all"], token) == User("u1", "Asha", "student")
    assert user_of_rooms(["announce:all", "user:u1", "announce:mentor"], "opaque") == User("u1", "u1", "mentor")
    assert user_of_rooms(["announce:all"], token) is None
