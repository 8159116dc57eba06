"""Faults of Razorpay's operations, as the SDK meets them."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import razorpay
import requests

from .merchant import KEY, SECRET, Merchant


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [
        ("too_many_requests", razorpay.errors.BadRequestError, 429),
        ("bad_request", razorpay.errors.BadRequestError, 400),
        ("server_error", razorpay.errors.ServerError, 500),
        ("gateway_error", razorpay.errors.GatewayError, 502),
        ("html", requests.JSONDecodeError, 502),
        ("html_ok", requests.JSONDecodeError, 200),
        ("cut", requests.ConnectionError, None),
    ],
)
async def test_an_operation_fails_as_it_is_told(
    merchant: Merchant, error: str, raised: type[Exception], status: int | None
) -> None:
    order = await merchant.order()
    await merchant.faults(operations={"razorpay.FetchOrder": {"error": error, "times": 2}})
    with pytest.raises(raised):
        await merchant.fetched(order)
    if status is not None:
        answer = await merchant.http.get(f"/razorpay/v1/orders/{order['id']}", auth=(KEY, SECRET))
        assert answer.status_code == status
        if "html" not in error:
            assert answer.json()["error"]["code"].endswith("_ERROR")
        await merchant.fetched(order)
    await merchant.order()


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("error", ["cut", "html", "server_error", "too_many_requests"])
async def test_an_answer_is_lost_before_or_after_the_deed(
    merchant: Merchant, error: str, when: str, count: int
) -> None:
    receipt = uuid.uuid4().hex
    await merchant.faults(operations={"razorpay.CreateOrder": {"error": error, "when": when, "times": 1}})
    with pytest.raises((requests.RequestException, razorpay.errors.ServerError, razorpay.errors.BadRequestError)):
        await merchant.order(receipt=receipt)
    found = await merchant.call(merchant.client.order.all, {"receipt": receipt})
    assert found["count"] == count


async def test_a_capture_happened_though_its_answer_was_lost(merchant: Merchant) -> None:
    paid = await merchant.pay(await merchant.order(payment_capture=0))
    await merchant.faults(operations={"razorpay.*": {"error": "cut", "when": "after", "times": 1}})
    with pytest.raises(requests.ConnectionError):
        await merchant.call(merchant.client.payment.capture, paid["razorpay_payment_id"], 50_000, {"currency": "INR"})
    assert (await merchant.payment(paid["razorpay_payment_id"]))["status"] == "captured"


async def test_an_operation_hangs(merchant: Merchant) -> None:
    await merchant.faults(operations={"razorpay.ListOrders": {"hang": 1.0, "times": 2}})

    def hasty() -> Any:
        return merchant.client.order.all(timeout=0.2)

    with pytest.raises(requests.ReadTimeout):
        hasty()
    before = time.monotonic()
    await merchant.call(merchant.client.order.all)
    assert time.monotonic() - before >= 1.0
    await merchant.call(merchant.client.order.all)


async def test_a_fault_has_a_probability_that_can_be_repeated(merchant: Merchant) -> None:
    async def failures() -> list[bool]:
        fault = {"error": "bad_request", "probability": 0.5}
        await merchant.faults(operations={"razorpay.ListOrders": fault}, seed=11)
        seen = []
        for _ in range(30):
            answer = await merchant.http.get("/razorpay/v1/orders", auth=(KEY, SECRET))
            seen.append(answer.status_code == 400)
        return seen

    first = await failures()
    assert 5 < sum(first) < 25
    assert await failures() == first


async def test_an_unknown_fault_is_refused(merchant: Merchant) -> None:
    for bad in (
        {"razorpay.MakeTea": {"error": "cut"}},
        {"razorpay.CreateOrder": {"error": "InternalServerException"}},
        {"razorpay.CreateOrder": {"probability": 2}},
    ):
        assert (await merchant.http.put("/_devcloud/faults", json={"operations": bad})).status_code == 400


async def test_calls_are_counted(merchant: Merchant) -> None:
    before = (await merchant.http.get("/_devcloud/calls")).json()["calls"].get("razorpay.CreateOrder", 0)
    await merchant.order()
    assert (await merchant.http.get("/_devcloud/calls")).json()["calls"]["razorpay.CreateOrder"] == before + 1
