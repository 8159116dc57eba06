"""Calls of the SDK, which blocks: each in a thread, with a deadline, behind a circuit breaker, counted and timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
import structlog

from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable
from modules.payments.settings import RazorpaySettings
from modules.payments.vendor import metrics
from modules.payments.vendor.exchange import Exchange, GivenUp
from modules.payments.vendor.outcomes import Declined, NotFound, Rejected, UnknownOutcome

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Calls:
    """Threads of their own, so that what waits for Razorpay keeps no other work waiting."""

    def __init__(self, settings: RazorpaySettings) -> None:
        self._timeout = settings.razorpay_timeout
        self._connect_timeout = settings.razorpay_connect_timeout
        self._threads = ThreadPoolExecutor(settings.razorpay_threads, "razorpay")
        self._breaker = CircuitBreaker(
            settings.razorpay_failures, settings.razorpay_pause, "the payment service does not answer"
        )
        self._running: set[Exchange] = set()

    def close(self) -> None:
        """Give up what runs; no call is made any more."""
        for exchange in self._running:
            exchange.give_up()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def read(self, operation: str, call: Callable[[], T]) -> T:
        """What the call answers. Raises NotFound and Unavailable: a read that went wrong changed nothing."""
        try:
            return await self.write(operation, call)
        except UnknownOutcome as error:
            raise Unavailable(f"the payment service does not answer ({error.why})") from None
        except Rejected as error:
            raise Unavailable(f"the payment service refuses to answer ({error.code})") from None

    async def write(self, operation: str, call: Callable[[], T]) -> T:
        """What the call answers. Raises NotFound, Rejected, Unavailable and UnknownOutcome (`outcomes.py`)."""
        began = time.perf_counter()
        outcome: str | None = None
        why = ""
        try:
            answer = await self._behind_breaker(call)
            outcome = "ok"
            return answer
        except Rejected as error:
            outcome = "rejected"
            log.info("razorpay.rejected", operation=operation, code=error.code, reason=error.reason, field=error.field)
            raise
        except NotFound:
            outcome = "not_found"
            raise
        except Unavailable as error:
            outcome, why = "unavailable", error.message
            raise
        except UnknownOutcome as error:
            outcome, why = "unknown", error.why
            error.operation = operation
            raise
        finally:
            # A call whose caller went away has no outcome.
            if outcome is not None:
                metrics.calls.labels(operation, outcome).inc()
                metrics.seconds.labels(operation).observe(time.perf_counter() - began)
            if outcome == "unknown" or (outcome == "unavailable" and not self._breaker.is_open):
                log.warning("razorpay.failed", operation=operation, outcome=outcome, why=why)
            metrics.breaker_open.set(self._breaker.is_open)

    async def _behind_breaker(self, call: Callable[[], T]) -> T:
        self._breaker.check()
        exchange = Exchange(self._timeout, self._connect_timeout)
        try:
            answer = await self._in_thread(exchange, call)
        except (Rejected, NotFound, Declined):
            self._breaker.succeeded()
            raise
        except (Unavailable, UnknownOutcome) as error:
            # One that never got a thread says nothing of Razorpay.
            if exchange.started:
                self._failed(error)
            raise
        self._breaker.succeeded()
        return answer

    def _failed(self, error: Unavailable | UnknownOutcome) -> None:
        was_open = self._breaker.is_open
        self._breaker.failed()
        if self._breaker.is_open and not was_open:
            log.error("razorpay.paused", last=str(error))

    async def _in_thread(self, exchange: Exchange, call: Callable[[], T]) -> T:
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
            return _result(exchange, future)
        if exchange.sent:
            raise UnknownOutcome("timeout")
        if exchange.started:
            raise Unavailable("the payment service cannot be reached (timeout)")
        raise Unavailable("too many calls of the payment service at once")


def _result(exchange: Exchange, future: asyncio.Future[T]) -> T:
    try:
        return future.result()
    except (Rejected, NotFound, Unavailable, UnknownOutcome):
        raise
    except (GivenUp, asyncio.CancelledError):
        raise Unavailable("the gateway stops") from None
    except msgspec.ValidationError as error:
        raise UnknownOutcome(f"an answer of another shape: {error}") from None
    except Exception as error:
        if not exchange.sent:
            raise
        # Nobody foresaw it, and Razorpay may have done what was asked.
        log.exception("razorpay.fault")
        raise UnknownOutcome(type(error).__name__) from None
