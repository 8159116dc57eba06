"""The circuit breaker that calls of AWS and of Razorpay go through."""

from __future__ import annotations

import pytest

from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable


def test_a_breaker_lets_one_call_try_after_a_while() -> None:
    now = [0.0]
    breaker = CircuitBreaker(2, 10.0, "the bank does not answer", lambda: now[0])
    breaker.failed()
    breaker.check()
    breaker.failed()
    with pytest.raises(Unavailable) as caught:
        breaker.check()
    assert caught.value.retry_after == 10.0
    assert caught.value.message == "the bank does not answer"
    assert breaker.is_open
    now[0] = 10.0
    breaker.check()
    with pytest.raises(Unavailable):
        breaker.check()
    breaker.succeeded()
    assert not breaker.is_open
    breaker.check()
