"""Repeats a command whose outcome is unknown. Its nonce makes that safe."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ksmp_client.backoff import Backoff
from ksmp_client.codes import Code
from ksmp_client.errors import CommandFailed, ConnectionLost, no_answer

T = TypeVar("T")

# The gateway remembers a nonce for two minutes. The last repeat must arrive before that ends.
WINDOW: Final = 110.0
# Between the loss and its clean-up, each attempt fails at once. This pause keeps the loop from spinning.
LOST_PAUSE: Final = 0.05


def new_nonce() -> str:
    return uuid.uuid4().hex


async def repeat(
    attempt: Callable[[float], Awaitable[T]], *, window: float = WINDOW, retry: bool = True, patient: bool = False
) -> T:
    """Call `attempt` until it returns, or fails with an error that a repeat cannot change.

    With `retry`, it is repeated after `unavailable`, no reply and a lost connection. With `patient`, also after a
    temporary error that has `retry_after`, such as `rate_limited`. No attempt begins later than `window` seconds from
    now: `attempt` gets that time of the loop, and sends nothing after it. Raises the last CommandFailed.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + window
    backoff = Backoff(highest=5.0)
    while True:
        lost = False
        try:
            return await attempt(deadline)
        except ConnectionLost:
            lost = True
            failed = no_answer("the connection was lost before the reply came")
        except CommandFailed as error:
            failed = error
        if lost:
            again, wait = retry, LOST_PAUSE
        elif failed.code == Code.UNAVAILABLE:
            again, wait = retry, max(failed.retry_after or 0.0, backoff.next())
        else:
            again, wait = patient and failed.temporary and failed.retry_after is not None, failed.retry_after or 0.0
        if not again or loop.time() + wait >= deadline:
            raise failed
        await asyncio.sleep(wait)
