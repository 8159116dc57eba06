"""The adapter for Razorpay, and a server in Razorpay's place that misbehaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from modules.payments.settings import PaymentsSettings
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.payments.vendor.misbehaving import Misbehaving, misbehaving

KEY_SECRET = "s3cr3t-of-ours"

Adapter = Callable[..., Razorpay]


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving() as server:
        yield server


def settings_for(url: str, **changed: Any) -> PaymentsSettings:
    few: dict[str, Any] = {"razorpay_timeout": 5.0, "razorpay_threads": 2, "razorpay_failures": 50}
    return PaymentsSettings(**{"key_id": "rzp_test_1", "key_secret": KEY_SECRET, "razorpay_url": url} | few | changed)


@pytest.fixture
async def adapter(server: Misbehaving) -> AsyncIterator[Adapter]:
    """Makes adapters that call the server, or the address `url`, with these settings."""
    async with AsyncExitStack() as opened:

        def make(url: str | None = None, **changed: Any) -> Razorpay:
            made = Razorpay(settings_for(url or server.url, **changed))
            opened.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
def razorpay(adapter: Adapter) -> Razorpay:
    return adapter()


async def create(razorpay: Razorpay) -> Any:
    """A call that is not read back: it tells how the one request ended."""
    return await razorpay._calls.write("order.create", lambda: razorpay._client.order.create(data={"receipt": "r-1"}))
