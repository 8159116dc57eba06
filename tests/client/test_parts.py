"""The small parts: addresses, waits, queues, codecs."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from ksmp_client.address import realtime_url
from ksmp_client.backoff import Backoff
from ksmp_client.inbox import Inbox
from ksmp_client.wire import Wire


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


def test_waits_double_up_to_twenty_seconds() -> None:
    backoff = Backoff()
    ceilings = []
    for _ in range(8):
        ceilings.append(backoff.ceiling)
        assert 0 <= backoff.next() <= ceilings[-1]
    assert ceilings == [0.5, 1, 2, 4, 8, 16, 20, 20]
    backoff.reset()
    assert backoff.ceiling == 0.5


async def test_an_inbox_keeps_order_and_tells_when_it_is_empty() -> None:
    emptied: list[int] = []
    inbox: Inbox[int] = Inbox(2, lambda: emptied.append(1))
    inbox.put(1)
    assert not inbox.full
    inbox.put(2)
    assert inbox.full
    assert [await anext(inbox), len(emptied), await anext(inbox), len(emptied)] == [1, 0, 2, 1]
    inbox.end()
    inbox.put(3)
    assert [item async for item in inbox] == []


async def test_an_inbox_ends_with_its_error_after_what_is_in_it() -> None:
    inbox: Inbox[int] = Inbox(2)
    inbox.put(1)
    inbox.end(KeyError("first"))
    inbox.end(KeyError("second"))
    assert await anext(inbox) == 1
    for _ in range(2):
        with pytest.raises(KeyError, match="first"):
            await anext(inbox)


async def test_a_cancelled_read_loses_nothing() -> None:
    inbox: Inbox[int] = Inbox(2)
    reading = asyncio.ensure_future(anext(inbox))
    await asyncio.sleep(0)
    inbox.put(1)
    reading.cancel()
    assert await anext(inbox) == 1


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("data", [b"", b"\xff", b"[1]", b'{"id": "x"}', b"\xc1"])
def test_what_is_no_message_is_a_decode_error(codec: str, data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        Wire(codec).decode(data)  # type: ignore[arg-type]
