"""The HTTP below the SDK: how an answer ends, and what the SDK by itself would lose or get wrong."""

from __future__ import annotations

import inspect
import socket
from email.utils import format_datetime

import pytest
import razorpay as sdk

from gateway import clock
from gateway.errors import Unavailable
from modules.payments.vendor.outcomes import Declined, NotFound, Rejected, UnknownOutcome
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.payments.vendor.conftest import Adapter, create
from tests.modules.payments.vendor.examples import captured, order, payment
from tests.modules.payments.vendor.misbehaving import (
    Behaviour,
    Misbehaving,
    answers,
    cuts,
    cuts_in_the_middle,
    html,
    misbehaving,
    refuses,
)

PAYMENT = answers(payment())


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (html(502), "status 502, undecodable"),
        (html(200), "status 200, undecodable"),
        (html(403), "status 403, undecodable"),
        (refuses("oops", 500, "SERVER_ERROR"), "status 500"),
        (refuses("the bank is away", 502, "GATEWAY_ERROR"), "status 502"),
        (refuses("the bank is away", 400, "GATEWAY_ERROR"), "status 400 GATEWAY_ERROR"),
        (refuses("being processed", 409), "status 409"),
        (answers({"message": "no Route matched"}, 404), "status 404"),
        (answers({"error": {"description": "?"}}, 400), "status 400"),
        (answers({"error": "no"}, 400), "status 400"),
        (answers([1]), "status 200, undecodable"),
        (answers('{"id": "order_1"'), "status 200, undecodable"),
        (answers("", 204), "status 204, undecodable"),
        (cuts, "ConnectionError"),
        (cuts_in_the_middle, "ChunkedEncodingError"),
    ],
)
async def test_what_may_have_been_done(server: Misbehaving, razorpay: Razorpay, behaviour: Behaviour, why: str) -> None:
    """Fault 14: razorpay-python#306: a 5xx says nothing of what was done."""
    server.does(behaviour)
    with pytest.raises(UnknownOutcome) as caught:
        await create(razorpay)
    assert str(caught.value) == f"order.create: {why}"
    assert len(server.requests) == 1
    # A read that ends so changed nothing.
    server.does(behaviour)
    with pytest.raises(Unavailable):
        await razorpay.payment("pay_1")


async def test_an_answer_of_another_shape_may_have_been_done(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(order(amount="49900")), html(502))
    with pytest.raises(UnknownOutcome, match=r"Expected `int`, got `str`"):
        await razorpay.create_order(receipt="r-1", amount=49900, currency="INR", notes={})
    server.does(answers(order(amount=None)))
    with pytest.raises(Unavailable, match="another shape"):
        await razorpay.order("order_1")
    server.does(answers({"items": None}))
    with pytest.raises(Unavailable, match="another shape"):
        await razorpay.payments_of_order("order_1")


async def test_what_razorpay_says_no_to(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(refuses("The amount is too large"))
    with pytest.raises(Rejected, match=r"BAD_REQUEST_ERROR: The amount is too large \(input_validation_failed\)"):
        await create(razorpay)
    server.does(refuses("The id provided does not exist"), refuses("Not found", 404))
    for _ in range(2):
        with pytest.raises(NotFound):
            await razorpay.payment("pay_9")
    server.does(refuses("No db records found."))
    with pytest.raises(Unavailable):
        await razorpay.payment("pay_9")


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ({"Retry_After": "7"}, 7.0, 7.0),
        ({"Retry_After": "0"}, 0.0, 0.0),
        ({}, 1.0, 1.0),
        ({"Retry_After": "soon"}, 1.0, 1.0),
        ({"Retry_After": "-5"}, 1.0, 1.0),
        ({"Retry_After": "in an hour"}, 1.0, 1.0),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, 0.0),
        ({"Retry_After": format_datetime(clock.example_day(), usegmt=True)}, 1e6, 1e9),
    ],
)
async def test_too_many_calls_are_told_when_to_come_again(
    server: Misbehaving, razorpay: Razorpay, header: dict[str, str], least: float, most: float
) -> None:
    """The SDK raises BadRequestError for it, without the status and the header."""
    server.does(refuses("Too many requests", 429, **header))
    with pytest.raises(Declined) as caught:
        await create(razorpay)
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_razorpay_refuses_did_nothing(server: Misbehaving, razorpay: Razorpay, status: int) -> None:
    server.does(refuses("Authentication failed", status))
    with pytest.raises(Declined, match="refuses the gateway's key"):
        await create(razorpay)


async def test_a_connection_that_is_refused_sent_nothing(adapter: Adapter) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        razorpay = adapter(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable):
            await razorpay.create_order(receipt="r-1", amount=1, currency="INR", notes={})
    with pytest.raises(Unavailable):
        await create(adapter(url="http://no-such-host.invalid"))


async def test_nothing_is_tried_again_below(server: Misbehaving, razorpay: Razorpay) -> None:
    assert razorpay._client.retry_enabled is False
    server.otherwise = cuts
    with pytest.raises(UnknownOutcome):
        await create(razorpay)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(server: Misbehaving, razorpay: Razorpay, status: int) -> None:
    """It would repeat the POST, or make a GET of it, and show another host what we send."""
    with misbehaving() as elsewhere:
        server.does(answers({}, status, Location=f"{elsewhere.url}/v1/orders"))
        with pytest.raises(UnknownOutcome):
            await create(razorpay)
        assert elsewhere.requests == []
    assert len(server.requests) == 1


async def test_no_cookie_is_kept(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(payment(), Set_Cookie="session=1; Path=/"), PAYMENT)
    await razorpay.payment("pay_1")
    await razorpay.payment("pay_1")
    assert "Cookie" not in server.requests[1].headers


async def test_connections_are_used_again(server: Misbehaving, razorpay: Razorpay) -> None:
    server.otherwise = PAYMENT
    for _ in range(3):
        await razorpay.payment("pay_1")
    assert len({id(request.handler) for request in server.requests}) == 1


async def test_an_answer_without_end_is_not_read_to_it(server: Misbehaving, adapter: Adapter) -> None:
    server.otherwise = answers(order(description="x" * 100_000))
    with pytest.raises(UnknownOutcome, match="without end"):
        await create(adapter(razorpay_answer_bytes=100_000))
    assert await create(adapter(razorpay_answer_bytes=200_000))


@pytest.mark.parametrize("id", ["pay_1/../../orders", "../orders", "pay_1?x=1", "pay_1#", "", "é", "pay 1", "a" * 65])
async def test_an_id_leads_nowhere_else(server: Misbehaving, razorpay: Razorpay, id: str) -> None:
    """It may come from a browser."""
    for call in (
        razorpay.order(id),
        razorpay.payment(id),
        razorpay.payments_of_order(id),
        razorpay.capture(id, 1, "INR"),
        razorpay.refund(id, amount=1, key="refund-0001", receipt="f-1", notes={}),
        razorpay.refunds_of_payment(id),
        razorpay.refund_by_id(id),
        razorpay.link(id),
        razorpay.cancel_link(id),
        razorpay.dispute(id),
    ):
        with pytest.raises(NotFound):
            await call
    assert server.requests == []


async def test_every_capture_carries_its_own_amount(server: Misbehaving, razorpay: Razorpay) -> None:
    """The SDK's default for the rest of the body is one dict for all threads, in which each puts its amount."""
    server.does(answers(captured()))
    await razorpay.capture("pay_1", 49900, "INR")
    shared = inspect.signature(sdk.resources.payment.Payment.capture).parameters["data"].default
    assert shared == {}
    assert server.requests[0].body["amount"] == 49900


async def test_nothing_is_printed(server: Misbehaving, adapter: Adapter, capfd: pytest.CaptureFixture[str]) -> None:
    """The SDK prints what went wrong, among the lines of the log."""
    razorpay = adapter()
    server.does(cuts, html(502), refuses("no", 500, "SERVER_ERROR"), cuts_in_the_middle)
    for _ in range(4):
        with pytest.raises(UnknownOutcome):
            await create(razorpay)
    with pytest.raises(Unavailable):
        await create(adapter(url="http://127.0.0.1:9"))
    printed = capfd.readouterr().out
    assert "Connection failed" not in printed
    assert "Request error" not in printed
