"""Repeats a command whose outcome is not known, as its nonce allows."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ksmp_client.backoff import Backoff
from ksmp_client.codes import Code
from ksmp_client.errors import CommandFailed, ConnectionLost, no_answer

T = TypeVar("T")

# The server remembers a nonce for two minutes; a repeat on its way at the end of them would come too late.
WINDOW: Final = 110.0
# The next connection comes after a wait of its own; until the lost one is put away this keeps from spinning.
LOST_PAUSE: Final = 0.05


def new_nonce() -> str:
    return uuid.uuid4().hex


async def repeat(
    attempt: Callable[[float], Awaitable[T]], *, window: float = WINDOW, retry: bool = True, patient: bool = False
) -> T:
    """Call `attempt` until it gives a result or an error that stands.

    With `retry` it is repeated after `unavailable`, no reply and a lost connection; with `patient` also
    after a temporary error that says when to come back, such as `rate_limited`. Nothing begins later than
    `window` seconds from now: `attempt` gets that time of the loop, and sends nothing after it. Raises the last
    CommandFailed.
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
