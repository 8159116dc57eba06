"""Calls of AWS: each goes through a circuit breaker, and its errors become ours: NotThere and Unavailable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable

NOT_THERE: Final = frozenset({"ResourceNotFoundException", "ChannelNotBroadcasting", "NoSuchKey"})
# Items of a page: so many every listing of IVS allows.
PAGE: Final = 50


class NotThere(Exception):
    """AWS has no such resource, or a channel broadcasts nothing."""


class AwsClient:
    """Calls that share a circuit breaker."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker

    async def ask(self, call: Awaitable[Any]) -> Any:
        """The answer. Raises NotThere and Unavailable."""
        try:
            self._breaker.check()
        except Unavailable:
            call.close()  # type: ignore[attr-defined]
            raise
        try:
            answer = await translate_errors(call)
        except Unavailable:
            self._breaker.failed()
            raise
        except NotThere:
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return answer

    async def ask_or_none(self, call: Awaitable[Any]) -> Any:
        """The answer; None when there is no such thing. Raises Unavailable."""
        try:
            return await self.ask(call)
        except NotThere:
            return None

    async def pages(
        self, listing: Callable[..., Awaitable[Any]], member: str, **filters: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Each item of a listing, to its last page; none when what is listed is gone. Raises Unavailable."""
        more: dict[str, str] = {}
        while True:
            page = await self.ask_or_none(listing(maxResults=PAGE, **filters, **more))
            for one in page[member] if page else ():
                yield one
            if not page or not page.get("nextToken"):
                return
            more = {"nextToken": page["nextToken"]}


async def translate_errors(call: Awaitable[Any]) -> Any:
    """The answer of a call. Raises NotThere, and Unavailable for any other error: no call has a user's input in it."""
    try:
        return await call
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in NOT_THERE:
            raise NotThere(code) from error
        raise Unavailable(f"the video service answers {code}") from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise Unavailable(f"the video service does not answer: {type(error).__name__}") from error
