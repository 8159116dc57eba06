"""Calls of IVS and of the bucket of recordings, whose errors become ours: NotThere and Unavailable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from gateway.aws import calls
from gateway.aws.calls import AwsCalls, NotThere
from gateway.circuit_breaker import CircuitBreaker

__all__ = ["AwsClient", "NotThere", "translate_errors"]

SERVICE: Final = "the video service"
NOT_THERE: Final = frozenset({"ResourceNotFoundException", "ChannelNotBroadcasting", "NoSuchKey"})
# Items of a page: so many every listing of IVS allows.
PAGE: Final = 50


class AwsClient(AwsCalls):
    """Calls that share a circuit breaker."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        super().__init__(breaker, SERVICE, NOT_THERE)

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
    """The answer of a call without a circuit breaker. Raises NotThere and Unavailable."""
    return await calls.translate_errors(call, SERVICE, NOT_THERE)
