"""The queue of a room's events."""

from __future__ import annotations

import asyncio

import pytest

from ksmp_client.inbox import Inbox


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
