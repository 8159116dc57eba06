"""Calls of AWS: each goes through a circuit breaker, and its errors become ours: NotThere and Unavailable."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable


class NotThere(Exception):
    """AWS has no such thing. Its text is the code of AWS."""


class AwsCalls:
    """Calls of one service that share a circuit breaker.

    `service` is how callers are told of it, such as `the video service`; `not_there` are its codes for what it has not.
    """

    def __init__(self, breaker: CircuitBreaker, service: str, not_there: Collection[str]) -> None:
        self._breaker = breaker
        self._service = service
        self._not_there = not_there

    async def ask(self, call: Awaitable[Any]) -> Any:
        """The answer. Raises NotThere and Unavailable."""
        try:
            self._breaker.check()
        except Unavailable:
            call.close()  # type: ignore[attr-defined]
            raise
        try:
            answer = await translate_errors(call, self._service, self._not_there)
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


async def translate_errors(call: Awaitable[Any], service: str, not_there: Collection[str]) -> Any:
    """The answer of a call. Raises NotThere, and Unavailable for any other error: no call has a user's input in it."""
    try:
        return await call
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in not_there:
            raise NotThere(code) from error
        raise Unavailable(f"{service} answers {code}") from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise Unavailable(f"{service} does not answer: {type(error).__name__}") from error
