"""Threads, deadlines, the circuit breaker, metrics and logs of the calls of Razorpay."""

from __future__ import annotations

import asyncio
import base64
import random
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gateway.errors import Unavailable
from ksmp_testkit.eventually import eventually
from modules.payments.vendor.calls import Calls
from modules.payments.vendor.exchange import Exchange
from modules.payments.vendor.outcomes import NotFound, Rejected, UnknownOutcome
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.payments.vendor.conftest import KEY_SECRET, Adapter, create, settings_for
from tests.modules.payments.vendor.examples import captured, collection, payment
from tests.modules.payments.vendor.misbehaving import (
    Behaviour,
    Misbehaving,
    Request,
    answers,
    cuts,
    hangs,
    hangs_in_the_middle,
    html,
    refuses,
    trickles_its_body,
    trickles_its_head,
)

PAYMENT = answers(payment())


@pytest.mark.parametrize("behaviour", [hangs, hangs_in_the_middle, trickles_its_head, trickles_its_body])
async def test_a_silent_or_endless_answer_ends_at_the_deadline_and_its_thread_too(
    server: Misbehaving, adapter: Adapter, behaviour: Behaviour
) -> None:
    razorpay = adapter(razorpay_timeout=1.0, razorpay_threads=1)
    server.does(behaviour, behaviour, PAYMENT)
    with pytest.raises(UnknownOutcome, match="timeout"):
        await create(razorpay)
    with pytest.raises(Unavailable):
        await razorpay.payment("pay_1")
    # The only thread is free again.
    assert (await razorpay.payment("pay_1")).id == "pay_1"


@pytest.mark.parametrize("behaviour", [hangs, hangs_in_the_middle, trickles_its_body])
async def test_a_thread_that_sees_the_deadline_first_says_the_same(
    server: Misbehaving, razorpay: Razorpay, behaviour: Behaviour
) -> None:
    """Here only the thread looks at the time: nobody else gives the call up."""
    exchange = Exchange(0.5, 0.5)
    server.does(behaviour)
    with pytest.raises(UnknownOutcome) as caught:
        await asyncio.to_thread(exchange.run, lambda: razorpay._client.order.create(data={}))
    assert caught.value.why == "timeout"


async def test_the_sdk_itself_waits_for_ever(server: Misbehaving, razorpay: Razorpay) -> None:
    """Each request has a time-out: without one, a thread would hang for as long as the server does."""
    seen: list[Any] = []
    send = razorpay._session.send

    def record(request: Any, **options: Any) -> Any:
        seen.append(options["timeout"])
        return send(request, **options)

    razorpay._session.send = record  # type: ignore[method-assign,assignment]
    server.does(PAYMENT, answers(captured()), answers(collection()))
    await razorpay.payment("pay_1")
    await razorpay.capture("pay_1", 49900, "INR")
    await razorpay.find_order_by_receipt("r-1")
    assert len(seen) == 3
    assert all(0 < connect <= 3.0 and 0 < read <= 5.0 for connect, read in seen)


class Blocked:
    """A call that blocks its thread until it is freed, and touches no network."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        self.free.wait(30)


@pytest.fixture
def blocked() -> Iterator[Blocked]:
    blocked = Blocked()
    yield blocked
    blocked.free.set()


async def test_a_call_without_a_thread_is_not_sent_later(blocked: Blocked) -> None:
    calls = Calls(settings_for("http://127.0.0.1:9", razorpay_timeout=0.5, razorpay_threads=1, razorpay_failures=3))
    ran = threading.Event()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await calls.write("a", blocked)
    for _ in range(3):
        with pytest.raises(Unavailable, match="at once"):
            await calls.write("b", ran.set)
    # Those waits say nothing of Razorpay's health, so the breaker is closed.
    assert not calls._breaker.is_open
    blocked.free.set()
    await calls.write("c", lambda: None)
    assert not ran.is_set()
    calls.close()


async def test_one_that_is_given_up_while_it_connects_sends_nothing(server: Misbehaving, adapter: Adapter) -> None:
    razorpay = adapter(razorpay_timeout=0.3)
    go_on, entered = threading.Event(), threading.Event()

    def slow() -> Any:
        # As if the name of the host took long to be looked up.
        entered.set()
        go_on.wait(30)
        try:
            return razorpay._client.order.create(data={})
        finally:
            entered.clear()

    with pytest.raises(Unavailable, match="cannot be reached"):
        await razorpay._calls.write("order.create", slow)
    go_on.set()
    await eventually(lambda: not entered.is_set())
    assert server.requests == []


async def test_what_is_called_undone_never_arrives(server: Misbehaving, adapter: Adapter) -> None:
    """Calls that are given up at any moment of their way, on connections that are new and old."""
    razorpay = adapter(razorpay_threads=4, razorpay_failures=10_000)
    server.otherwise = PAYMENT
    chance = random.Random(1)
    undone: set[str] = set()
    unknown: set[str] = set()

    async def call(receipt: str) -> None:
        razorpay._calls._timeout = chance.choice((0.0, 0.001, 0.002, 0.004, 0.008, 1.0))
        data = {"receipt": receipt}
        try:
            await razorpay._calls.write("order.create", lambda: razorpay._client.order.create(data=data))
        except UnknownOutcome:
            unknown.add(receipt)
        except Unavailable:
            undone.add(receipt)

    for group in range(50):
        await asyncio.gather(*(call(f"r-{group}-{number}") for number in range(8)))
    await asyncio.to_thread(razorpay._calls._threads.shutdown, wait=True)
    arrived = {request.body["receipt"] for request in server.requests if request.body}
    # Each kind came about, or nothing was tried.
    assert undone
    assert unknown
    assert arrived
    assert not undone & arrived


async def test_a_caller_that_goes_away_frees_the_thread(server: Misbehaving, adapter: Adapter) -> None:
    razorpay = adapter(razorpay_timeout=60.0, razorpay_threads=1)
    server.does(hangs, PAYMENT)
    waiting = asyncio.create_task(create(razorpay))
    await eventually(lambda: len(server.requests) == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await razorpay.payment("pay_1")).id == "pay_1"


async def test_what_runs_ends_with_the_gateway(server: Misbehaving, adapter: Adapter) -> None:
    razorpay = adapter(razorpay_timeout=60.0, razorpay_threads=1)
    server.does(hangs)
    sent, waits = asyncio.create_task(create(razorpay)), asyncio.create_task(create(razorpay))
    await eventually(lambda: len(server.requests) == 1)
    await razorpay.close()
    with pytest.raises(UnknownOutcome):
        await sent
    with pytest.raises(Unavailable, match="the gateway stops"):
        await waits
    with pytest.raises(Unavailable, match="the gateway stops"):
        await create(razorpay)
    assert len(server.requests) == 1


async def test_the_breaker_opens_and_closes(server: Misbehaving, adapter: Adapter) -> None:
    razorpay = adapter(razorpay_failures=2, razorpay_pause=30.0)
    now = [0.0]
    razorpay._calls._breaker._clock = lambda: now[0]
    server.otherwise = html(502)
    with capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await razorpay.payment("pay_1")
        with pytest.raises(Unavailable, match="does not answer") as caught:
            await create(razorpay)
    assert caught.value.retry_after == 30.0
    assert len(server.requests) == 2
    assert [line["event"] for line in lines].count("razorpay.paused") == 1
    assert REGISTRY.get_sample_value("ksmp_payments_razorpay_breaker_open") == 1.0
    # One call tries. It fails, and the pause begins again.
    now[0] = 30.0
    with pytest.raises(UnknownOutcome):
        await create(razorpay)
    with pytest.raises(Unavailable):
        await create(razorpay)
    assert len(server.requests) == 3
    now[0] = 60.0
    server.otherwise = PAYMENT
    await razorpay.payment("pay_1")
    await razorpay.payment("pay_1")
    assert REGISTRY.get_sample_value("ksmp_payments_razorpay_breaker_open") == 0.0


@pytest.mark.parametrize(
    "behaviour", [refuses("no"), refuses("no", 429), refuses("no", 401), refuses("The id provided does not exist")]
)
async def test_one_that_says_no_is_well(server: Misbehaving, adapter: Adapter, behaviour: Behaviour) -> None:
    razorpay = adapter(razorpay_failures=1)
    server.otherwise = behaviour
    for _ in range(3):
        with pytest.raises((Rejected, Unavailable, NotFound)):
            await create(razorpay)
    assert len(server.requests) == 3


async def test_connections_that_are_refused_open_the_breaker(adapter: Adapter) -> None:
    razorpay = adapter(url="http://127.0.0.1:9", razorpay_failures=2)
    for _ in range(2):
        with pytest.raises(Unavailable, match="cannot be reached"):
            await create(razorpay)
    with pytest.raises(Unavailable, match="does not answer"):
        await create(razorpay)


async def test_captures_at_once_carry_their_own_amounts(server: Misbehaving, adapter: Adapter) -> None:
    """Of the SDK by itself 8 in 1,200 carried the amount of another."""
    razorpay = adapter(razorpay_threads=8, razorpay_timeout=60.0)

    def answer(request: Request) -> None:
        id = request.path.split("/")[3]
        answers(captured(id=id, amount=request.body["amount"]))(request)

    server.otherwise = answer
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        done = await asyncio.gather(*(razorpay.capture(f"pay_{amount}", amount, "INR") for amount in range(1, 301)))
    finally:
        sys.setswitchinterval(before)
    assert [(one.id, one.amount) for one in done] == [(f"pay_{amount}", amount) for amount in range(1, 301)]
    assert all(request.path.split("/")[3] == f"pay_{request.body['amount']}" for request in server.requests)


async def test_calls_are_counted_and_timed(server: Misbehaving, razorpay: Razorpay) -> None:
    def count(outcome: str) -> float:
        labels = {"operation": "payment.capture", "outcome": outcome}
        return REGISTRY.get_sample_value("ksmp_payments_razorpay_calls_total", labels) or 0.0

    outcomes = ("ok", "rejected", "not_found", "unavailable", "unknown")
    before = [count(outcome) for outcome in outcomes]
    missing = refuses("The id provided does not exist")
    server.does(answers(captured()), refuses("no"), PAYMENT, missing, refuses("no", 429), cuts, PAYMENT)
    await razorpay.capture("pay_1", 49900, "INR")
    for error in (Rejected, NotFound, Unavailable, UnknownOutcome):
        with pytest.raises(error):
            await razorpay.capture("pay_1", 49900, "INR")
    assert [count(outcome) for outcome in outcomes] == [number + 1 for number in before]
    labels = {"operation": "payment.capture"}
    assert (REGISTRY.get_sample_value("ksmp_payments_razorpay_seconds_count", labels) or 0.0) >= 5.0


async def test_a_fault_of_ours_before_sending_is_told_as_it_is(razorpay: Razorpay) -> None:
    def broken() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await razorpay._calls.write("order.create", broken)


async def test_a_fault_after_sending_may_have_been_done(server: Misbehaving, razorpay: Razorpay) -> None:
    def broken() -> None:
        razorpay._client.order.create(data={})
        raise KeyError("ours")

    server.does(PAYMENT)
    with capture_logs() as lines, pytest.raises(UnknownOutcome, match="KeyError"):
        await razorpay._calls.write("order.create", broken)
    assert "razorpay.fault" in [line["event"] for line in lines]


async def test_secrets_are_in_no_error_and_no_log(server: Misbehaving, adapter: Adapter) -> None:
    razorpay = adapter(razorpay_timeout=1.5)
    errors: list[Exception] = []
    server.does(cuts, html(502), hangs, refuses("no"), refuses("no", 401), refuses("no", 429), answers([]))
    password = "hunter2"
    with capture_logs() as lines:
        for kind in [UnknownOutcome] * 3 + [Rejected] + [Unavailable] * 2 + [UnknownOutcome]:
            with pytest.raises(kind) as caught:
                await create(razorpay)
            errors.append(caught.value)
        with pytest.raises(Unavailable) as unreached:
            await create(adapter(url=f"http://ann:{password}@127.0.0.1:9"))
        errors.append(unreached.value)
    told = repr(lines) + "".join(
        "".join(traceback.format_exception(error)) + repr(error) + repr(error.__dict__) for error in errors
    )
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    for secret in (KEY_SECRET, password, base64.b64encode(f"rzp_test_1:{KEY_SECRET}".encode()).decode()):
        assert secret not in told
