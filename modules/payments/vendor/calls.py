"""Calls of the SDK, which blocks: each in a thread, with a deadline, behind a circuit breaker, counted and timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable
from modules.payments.settings import RazorpaySettings
from modules.payments.vendor import metrics
from modules.payments.vendor.exchange import Exchange, GivenUp
from modules.payments.vendor.outcomes import Declined, NotFound, Rejected, UnknownOutcome

log = structlog.get_logger(__name__)


class Calls:
    """Threads of their own: what waits for Razorpay keeps no other work waiting."""

    def __init__(self, settings: RazorpaySettings) -> None:
        self._timeout = settings.razorpay_timeout
        self._connect_timeout = settings.razorpay_connect_timeout
        self._threads = ThreadPoolExecutor(settings.razorpay_threads, "razorpay")
        self._breaker = CircuitBreaker(
            settings.razorpay_failures, settings.razorpay_pause, "the payment service does not answer"
        )
        self._running: set[Exchange] = set()

    def close(self) -> None:
        """Give up what runs."""
        for exchange in self._running:
            exchange.give_up()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def read(self, operation: str, call: Callable[[], Any]) -> Any:
        """The answer. Raises NotFound, Rejected and Unavailable: a read that was cut changed nothing."""
        try:
            return await self.write(operation, call)
        except UnknownOutcome as error:
            raise Unavailable(f"the payment service does not answer ({error.why})") from None

    async def write(self, operation: str, call: Callable[[], Any]) -> Any:
        """The answer. Raises NotFound, Rejected, Unavailable and UnknownOutcome (`outcomes.py`)."""
        began = time.perf_counter()
        outcome: str | None = None
        try:
            answer = await self._through_breaker(call)
            outcome = "ok"
            return answer
        except Rejected as error:
            outcome = "rejected"
            log.info("razorpay.rejected", operation=operation, code=error.code, reason=error.reason)
            raise
        except NotFound:
            outcome = "not_found"
            raise
        except Unavailable as error:
            outcome = "unavailable"
            log.warning("razorpay.unavailable", operation=operation, why=error.message)
            raise
        except UnknownOutcome as error:
            outcome = "unknown"
            error.operation = operation
            log.warning("razorpay.unknown_outcome", operation=operation, why=error.why)
            raise
        finally:
            # A call whose caller went away has no outcome.
            if outcome is not None:
                metrics.calls.labels(operation, outcome).inc()
                metrics.seconds.labels(operation).observe(time.perf_counter() - began)
            metrics.breaker_open.set(self._breaker.is_open)

    async def _through_breaker(self, call: Callable[[], Any]) -> Any:
        self._breaker.check()
        exchange = Exchange(self._timeout, self._connect_timeout)
        try:
            answer = await self._in_thread(exchange, call)
        except (Rejected, NotFound, Declined):
            self._breaker.succeeded()
            raise
        except (Unavailable, UnknownOutcome):
            # One that never got a thread says nothing of Razorpay.
            if exchange.started:
                self._breaker.failed()
            raise
        self._breaker.succeeded()
        return answer

    async def _in_thread(self, exchange: Exchange, call: Callable[[], Any]) -> Any:
        try:
            future = asyncio.wrap_future(self._threads.submit(exchange.run, call))
        except RuntimeError:
            raise Unavailable("the gateway stops") from None
        self._running.add(exchange)
        try:
            done, _ = await asyncio.wait({future}, timeout=self._timeout)
        finally:
            self._running.discard(exchange)
            if not future.done():
                exchange.give_up()
                future.cancel()
        if done:
            return self._result(exchange, future)
        if exchange.sent:
            raise UnknownOutcome("timeout")
        if exchange.started:
            raise Unavailable("the payment service cannot be reached (timeout)")
        raise Unavailable("too many calls of the payment service at once")

    def _result(self, exchange: Exchange, future: asyncio.Future[Any]) -> Any:
        try:
            return future.result()
        except GivenUp:
            raise Unavailable("the gateway stops") from None
        except (Rejected, NotFound, Unavailable, UnknownOutcome):
            raise
        except Exception as error:
            if not exchange.sent:
                raise
            # Nobody foresaw it, and Razorpay may have done what was asked.
            log.exception("razorpay.fault")
            raise UnknownOutcome(type(error).__name__) from None
