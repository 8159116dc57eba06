"""What becomes of a call whose answer is lost: Razorpay is asked what it holds, and nothing is repeated blindly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.errors import Unavailable
from modules.payments.vendor.entities import VendorCustomer, VendorLink, VendorOrder, VendorRefund
from modules.payments.vendor.outcomes import NotFound, Rejected, UnknownOutcome
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.payments.vendor.conftest import Adapter
from tests.modules.payments.vendor.examples import captured, collection, link, order, payment, refund
from tests.modules.payments.vendor.misbehaving import Behaviour, Misbehaving, answers, cuts, html, refuses

CREATE, FIND = ("POST", "/v1/orders"), ("GET", "/v1/orders")
REFUND, REFUNDS = ("POST", "/v1/payments/pay_1/refund"), ("GET", "/v1/payments/pay_1/refunds")
CAPTURE, PAYMENT = ("POST", "/v1/payments/pay_1/capture"), ("GET", "/v1/payments/pay_1")
LINK, LINKS = ("POST", "/v1/payment_links"), ("GET", "/v1/payment_links")
CANCEL, CANCELLED = ("POST", "/v1/payment_links/plink_1/cancel"), ("GET", "/v1/payment_links/plink_1")

NONE = answers(collection())
TAKEN = refuses("Order with this receipt already exists.")

# Every way in which an answer is lost after the request was sent.
LOST = pytest.mark.parametrize("lost", [cuts, html(502), html(200), refuses("oops", 500, "SERVER_ERROR"), html(504)])


async def create(razorpay: Razorpay) -> VendorOrder:
    return await razorpay.create_order(receipt="r-1", amount=49900, currency="INR", notes={"user": "u1"})


async def give_back(razorpay: Razorpay) -> VendorRefund:
    return await razorpay.refund("pay_1", amount=10000, key="refund-0001", receipt="f-1", notes={"why": "asked"})


async def ask_for_money(razorpay: Razorpay, callback_url: str = "https://ksmp.test/paid") -> VendorLink:
    return await razorpay.create_link(
        reference="ref-1",
        amount=49900,
        currency="INR",
        description="A place",
        expire_by=datetime(2026, 12, 31, 12, tzinfo=UTC),
        callback_url=callback_url,
        notes={"user": "u1"},
        customer=VendorCustomer(name="Asha", contact="+919876543210"),
    )


async def test_an_order_is_made_once(server: Misbehaving, razorpay: Razorpay) -> None:
    """ORD-05: the receipt is sent as unique."""
    server.does(answers(order()))
    assert (await create(razorpay)).id == "order_1"
    assert server.seen() == [CREATE]
    assert server.requests[0].body == {
        "receipt": "r-1",
        "unique_receipt": True,
        "amount": 49900,
        "currency": "INR",
        "notes": {"user": "u1"},
    }


@LOST
async def test_an_order_whose_answer_is_lost_is_read_back(
    server: Misbehaving, razorpay: Razorpay, lost: Behaviour
) -> None:
    """Fault 14: it is read before anything is repeated."""
    server.does(lost, answers(collection(order(id="order_2", receipt="r-10"), order())))
    assert (await create(razorpay)).id == "order_1"
    assert server.seen() == [CREATE, FIND]
    assert server.requests[1].query["receipt"] == "r-1"


@LOST
async def test_an_order_that_is_not_seen_may_still_come(
    server: Misbehaving, razorpay: Razorpay, lost: Behaviour
) -> None:
    server.does(lost, NONE)
    with pytest.raises(UnknownOutcome, match=r"^order\.create: "):
        await create(razorpay)
    assert server.seen() == [CREATE, FIND]


async def test_a_receipt_that_is_taken_is_the_order_of_an_earlier_try(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(TAKEN, answers(collection(order())))
    assert (await create(razorpay)).id == "order_1"


@pytest.mark.parametrize("other", [{"amount": 100}, {"currency": "USD"}])
async def test_a_receipt_of_another_amount_is_refused(
    server: Misbehaving, razorpay: Razorpay, other: dict[str, object]
) -> None:
    server.does(TAKEN, answers(collection(order(**other))))
    with pytest.raises(Rejected, match="receipt_in_use"):
        await create(razorpay)
    # Razorpay's page of retries says that the first order is the answer.
    server.does(answers(order(**other)))
    with pytest.raises(Rejected, match="receipt_in_use"):
        await create(razorpay)


async def test_a_refused_order_is_told_as_razorpay_says(server: Misbehaving, razorpay: Razorpay) -> None:
    """Practice "do not retry BAD_REQUEST_ERROR": the request is sent once, and its refusal is raised."""
    server.does(refuses("The amount must be at least INR 1.00"), NONE)
    with pytest.raises(Rejected) as caught:
        await create(razorpay)
    error = caught.value
    assert (error.code, error.description) == ("BAD_REQUEST_ERROR", "The amount must be at least INR 1.00")
    assert (error.reason, error.field, error.status) == ("input_validation_failed", "receipt", 400)


@pytest.mark.parametrize("first", [cuts, TAKEN])
@pytest.mark.parametrize("second", [cuts, html(502), refuses("no", 429), refuses("no"), refuses("no", 401)])
async def test_what_cannot_be_read_back_is_unknown_and_never_called_undone(
    server: Misbehaving, razorpay: Razorpay, first: Behaviour, second: Behaviour
) -> None:
    server.does(first, second)
    with pytest.raises(UnknownOutcome):
        await create(razorpay)
    server.does(NONE, first, second)
    with pytest.raises(UnknownOutcome):
        await give_back(razorpay)
    server.does(first, second)
    with pytest.raises(UnknownOutcome):
        await razorpay.capture("pay_1", 49900, "INR")
    server.does(first, second)
    with pytest.raises(UnknownOutcome):
        await ask_for_money(razorpay)
    server.does(first, second)
    with pytest.raises(UnknownOutcome):
        await razorpay.cancel_link("plink_1")


async def test_the_breaker_does_not_make_a_lost_order_look_undone(server: Misbehaving, adapter: Adapter) -> None:
    server.does(cuts)
    razorpay = adapter(razorpay_failures=1, razorpay_pause=60.0)
    with pytest.raises(UnknownOutcome):
        await create(razorpay)
    # The next call is refused before it is sent.
    with pytest.raises(Unavailable):
        await create(razorpay)
    assert server.seen() == [CREATE]


async def test_a_refund_is_made_once_and_carries_its_key(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(NONE, answers(refund()))
    assert (await give_back(razorpay)).id == "rfnd_1"
    assert server.seen() == [REFUNDS, REFUND]
    sent = server.requests[1]
    assert sent.headers["X-Refund-Idempotency"] == "refund-0001"
    assert sent.body == {
        "amount": 10000,
        "receipt": "f-1",
        "notes": {"why": "asked", "idempotency_key": "refund-0001"},
    }


async def test_a_refund_of_days_ago_is_not_made_again(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(collection(refund(id="rfnd_0", notes=[]), refund(status="processed"))))
    assert (await give_back(razorpay)).status == "processed"
    assert server.seen() == [REFUNDS]


@LOST
async def test_a_refund_whose_answer_is_lost_is_read_back(
    server: Misbehaving, razorpay: Razorpay, lost: Behaviour
) -> None:
    server.does(
        NONE, lost, answers(collection(refund(id="rfnd_0", notes={"idempotency_key": "other-00001"}), refund()))
    )
    assert (await give_back(razorpay)).id == "rfnd_1"
    assert server.seen() == [REFUNDS, REFUND, REFUNDS]


@pytest.mark.parametrize("lost", [cuts, refuses("The request is being processed", 409), html(502)])
async def test_a_refund_that_is_not_seen_is_repeated_with_the_same_key(
    server: Misbehaving, razorpay: Razorpay, lost: Behaviour
) -> None:
    """BP-12: X-Refund-Idempotency."""
    server.does(NONE, lost, NONE, answers(refund()))
    assert (await give_back(razorpay)).id == "rfnd_1"
    assert server.seen() == [REFUNDS, REFUND, REFUNDS, REFUND]
    first, second = server.requests[1], server.requests[3]
    assert first.body == second.body
    assert first.headers["X-Refund-Idempotency"] == second.headers["X-Refund-Idempotency"] == "refund-0001"


@pytest.mark.parametrize("second", [cuts, refuses("The payment has been fully refunded already"), refuses("no", 429)])
async def test_a_refund_is_repeated_once_and_then_unknown(
    server: Misbehaving, razorpay: Razorpay, second: Behaviour
) -> None:
    """Also when the repeat is refused or not sent: the first may have been done."""
    server.does(NONE, cuts, NONE, second, NONE)
    with pytest.raises(UnknownOutcome):
        await give_back(razorpay)
    assert server.seen() == [REFUNDS, REFUND, REFUNDS, REFUND, REFUNDS]
    # And where the first is seen at last, it is the refund.
    server.requests.clear()
    server.does(NONE, cuts, NONE, second, answers(collection(refund())))
    assert (await give_back(razorpay)).id == "rfnd_1"


async def test_a_refused_refund_is_told_as_razorpay_says(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(NONE, refuses("The total refund amount is greater than the refund payment amount"), NONE)
    with pytest.raises(Rejected, match="greater than"):
        await give_back(razorpay)
    assert server.seen() == [REFUNDS, REFUND, REFUNDS]


async def test_a_refund_is_not_sent_before_it_is_known_whether_it_is_there(
    server: Misbehaving, razorpay: Razorpay
) -> None:
    server.does(html(502))
    with pytest.raises(Unavailable):
        await give_back(razorpay)
    server.does(refuses("The id provided does not exist"))
    with pytest.raises(NotFound):
        await give_back(razorpay)
    assert server.seen() == [REFUNDS, REFUNDS]


@pytest.mark.parametrize("key", ["", "short", "with spaces in it", "a" * 256, "paying/../for"])
async def test_a_key_that_razorpay_would_not_take_is_no_key(server: Misbehaving, razorpay: Razorpay, key: str) -> None:
    with pytest.raises(ValueError, match="key of a refund"):
        await razorpay.refund("pay_1", amount=1, key=key, receipt="f-1", notes={})
    assert server.requests == []


async def test_a_capture_is_made_once(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(captured()))
    assert (await razorpay.capture("pay_1", 49900, "INR")).captured
    assert server.seen() == [CAPTURE]
    assert server.requests[0].body == {"amount": 49900, "currency": "INR"}


@pytest.mark.parametrize("lost", [cuts, html(502), refuses("This payment has already been captured")])
async def test_a_capture_whose_answer_is_lost_is_read_back(
    server: Misbehaving, razorpay: Razorpay, lost: Behaviour
) -> None:
    server.does(lost, answers(captured()))
    assert (await razorpay.capture("pay_1", 49900, "INR")).fee == 1000
    assert server.seen() == [CAPTURE, PAYMENT]


async def test_a_payment_that_is_not_captured_yet_may_still_be(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(cuts, answers(payment()))
    with pytest.raises(UnknownOutcome):
        await razorpay.capture("pay_1", 49900, "INR")
    # Razorpay gave it back by itself: it is refunded and was never captured.
    server.does(refuses("The payment status should be captured"), answers(payment(status="refunded")))
    with pytest.raises(Rejected):
        await razorpay.capture("pay_1", 49900, "INR")
    # Captured, but with another amount.
    server.does(refuses("Capture amount must be equal to the amount authorized"), answers(captured(amount=100)))
    with pytest.raises(Rejected):
        await razorpay.capture("pay_1", 49900, "INR")
    assert server.seen() == [CAPTURE, PAYMENT] * 3


async def test_a_link_is_made_once_and_sends_nobody_a_message(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(link()))
    made = await ask_for_money(razorpay)
    assert (made.short_url, made.status) == ("https://rzp.io/i/1", "created")
    assert server.seen() == [LINK]
    assert server.requests[0].body == {
        "reference_id": "ref-1",
        "amount": 49900,
        "currency": "INR",
        "accept_partial": False,
        "description": "A place",
        "customer": {"name": "Asha", "contact": "+919876543210"},
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "expire_by": 1798718400,
        "callback_url": "https://ksmp.test/paid",
        "callback_method": "get",
        "notes": {"user": "u1"},
    }


async def test_a_link_without_a_way_back_names_none(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(link()))
    await ask_for_money(razorpay, callback_url="")
    assert not {"callback_url", "callback_method"} & set(server.requests[0].body)


@pytest.mark.parametrize("lost", [cuts, html(502), refuses("payment link with given reference_id already exists")])
async def test_a_link_whose_answer_is_lost_is_read_back(
    server: Misbehaving, razorpay: Razorpay, lost: Behaviour
) -> None:
    server.does(lost, answers({"payment_links": [link(id="plink_2", reference_id="ref-10"), link()]}))
    assert (await ask_for_money(razorpay)).id == "plink_1"
    assert server.seen() == [LINK, LINKS]
    assert server.requests[1].query == {"reference_id": "ref-1"}
    server.does(lost, answers({"payment_links": [link(amount=100)]}))
    with pytest.raises(Rejected, match="reference_in_use"):
        await ask_for_money(razorpay)


@pytest.mark.parametrize("lost", [cuts, html(502), refuses("Link cannot be cancelled")])
async def test_a_cancelled_link_is_read_back(server: Misbehaving, razorpay: Razorpay, lost: Behaviour) -> None:
    server.does(answers(link(status="cancelled")))
    assert (await razorpay.cancel_link("plink_1")).status == "cancelled"
    server.does(lost, answers(link(status="cancelled")))
    assert (await razorpay.cancel_link("plink_1")).status == "cancelled"
    assert server.seen() == [CANCEL, CANCEL, CANCELLED]
    server.does(lost, answers(link(status="paid")))
    with pytest.raises(Rejected, match="link_paid"):
        await razorpay.cancel_link("plink_1")
    server.does(cuts, answers(link()))
    with pytest.raises(UnknownOutcome):
        await razorpay.cancel_link("plink_1")
