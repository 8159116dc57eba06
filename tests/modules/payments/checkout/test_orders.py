"""Orders: what they cost, who may see them, and that each is made once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Caller, Clients, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from modules.payments.module import PaymentsModule
from tests.modules.payments.razorpay import KEY_ID, StandIn
from tests.modules.payments.shop import ORDERS, PAYMENTS, PRICE, shop
from tests.modules.programs.programs import ANY, created, id_of, user

GONE = {"error": "cut", "when": "before"}


async def coupon(caller: Caller, program: str, **values: Any) -> str:
    """The code of a new coupon for the program: half of the price, unless another one is asked for."""
    code = uuid.uuid4().hex[:20].upper()
    body = {"code": code, "kind": "percent", "value": 5000, "program_id": program} | values
    done(await caller("root", "admin").post(f"{PAYMENTS}/coupons", json=body), 201)
    return code


async def test_a_quote_reserves_nothing(caller: Caller, razorpay: StandIn) -> None:
    one, ann = await shop(caller, razorpay), user()
    code = await coupon(caller, one.program, limit_total=1)
    for _ in range(2):
        quote = done(
            await caller(ann).post(f"{PAYMENTS}/quote", json={"program_id": one.program, "coupon": code.lower()})
        )
        assert quote == {
            "program_id": one.program,
            "title": "Algebra",
            "currency": "INR",
            "price": PRICE,
            "discount": PRICE // 2,
            "amount": PRICE // 2,
            # A seller without a GSTIN charges no GST.
            "taxable": PRICE // 2,
            "cgst": 0,
            "sgst": 0,
            "igst": 0,
            "place_of_supply": "27",
            "coupon_code": code,
        }
    quote_of = caller(ann).post
    refused(await quote_of(f"{PAYMENTS}/quote", json={"program_id": user()}), 404, "not_found")
    wrong = {"program_id": one.program, "coupon": "NO-SUCH-CODE"}
    refused(await quote_of(f"{PAYMENTS}/quote", json=wrong), 400, "payments.coupon_invalid")
    nowhere = {"program_id": one.program, "place_of_supply": "77"}
    refused(await quote_of(f"{PAYMENTS}/quote", json=nowhere), 400, "invalid")
    refused(await caller().post(f"{PAYMENTS}/quote", json={"program_id": one.program}), 401, "unauthenticated")


async def test_what_takes_no_money(caller: Caller, razorpay: StandIn, database: asyncpg.Pool) -> None:
    mentor, ann = caller(user(), "mentor"), user()
    draft = await created(mentor, publish=False, price=100)
    free, full = await created(mentor), await created(mentor, price=100, capacity=1)
    archived = await created(mentor, price=100)
    done(await mentor.post(f"{archived}/archive", headers=ANY))
    for path in (draft, free, archived):
        answer = await caller(ann).post(f"{PAYMENTS}/quote", json={"program_id": id_of(path)})
        refused(answer, 409, "payments.not_for_sale")
    done(await mentor.patch(full, json={"price": 0}, headers=ANY))
    done(await caller(ann).post(f"{full}/enrolment"))
    done(await mentor.patch(full, json={"price": 100}, headers=ANY))
    until = clock.now() + timedelta(days=1)
    banned, sold = user(), await created(mentor, price=100)
    await database.execute("INSERT INTO program_ban VALUES ($1, $2, $3)", id_of(sold), banned, until)
    answer = await caller(banned).post(f"{PAYMENTS}/quote", json={"program_id": id_of(sold)})
    refused(answer, 409, "payments.not_for_sale")
    # Those who have the place, and those who come too late.
    for who in (ann, user()):
        answer = await caller(who).post(f"{PAYMENTS}/quote", json={"program_id": id_of(full)})
        refused(answer, 409, "payments.not_for_sale")


async def test_the_least_amount(caller: Caller, razorpay: StandIn) -> None:
    one = await shop(caller, razorpay, price=150)
    code = await coupon(caller, one.program)
    refused(await one.order(user(), coupon=code), 400, "payments.amount_too_small")


async def test_an_order_has_what_the_checkout_page_needs(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """ORD-01: made on the server, from the server's amount, under our receipt."""
    one, ann = await shop(caller, razorpay), user()
    # What the client says of a price is no field of the request.
    body = {"program_id": one.program, "amount": 1}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    refused(await caller(ann).post(ORDERS, json=body, headers=key), 400, "invalid")
    refused(await caller(ann).post(ORDERS, json={"program_id": one.program}), 400, "invalid")
    answer = await one.order(ann, place_of_supply="29", billing_name="Ann", billing_address="1 Lake Road")
    made = done(answer, 201)
    assert answer.headers["location"] == f"{ORDERS}/{made['order']['id']}"
    assert (made["key_id"], made["amount"], made["currency"]) == (KEY_ID, PRICE, "INR")
    assert (made["name"], made["description"]) == ("KSMP Learning", "Algebra")
    assert 1700 < made["timeout"] <= 1800
    assert made["order"]["state"] == "open"
    assert made["order"]["place_of_supply"] == "29"
    (theirs,) = [order for order in (await razorpay.books())["orders"] if order["id"] == made["vendor_order_id"]]
    assert (theirs["amount"], theirs["receipt"]) == (PRICE, f"o-{made['order']['id']}")


async def test_an_order_is_its_buyer_s_alone(caller: Caller, razorpay: StandIn) -> None:
    one, ann = await shop(caller, razorpay), user()
    order = (await one.ordered(ann))["order"]["id"]
    detail = await one.read(ann, order)
    assert (detail["payments"], detail["refunds"], detail["buyer_id"]) == ([], [], ann)
    for stranger in (caller(user()), caller(user(), "mentor")):
        refused(await stranger.get(f"{ORDERS}/{order}"), 404, "not_found")
        refused(await stranger.post(f"{ORDERS}/{order}/cancel"), 404, "not_found")
        assert done(await stranger.get(ORDERS))["items"] == []
        refused(await stranger.get(ORDERS, params={"user": ann}), 403, "forbidden")
    for nobody in (await caller().get(f"{ORDERS}/{order}"), await caller().get(ORDERS)):
        refused(nobody, 401, "unauthenticated")
    admin = caller("root", "admin")
    assert done(await admin.get(f"{ORDERS}/{order}"))["id"] == order
    assert [item["id"] for item in done(await admin.get(ORDERS, params={"user": ann}))["items"]] == [order]
    assert [item["id"] for item in done(await caller(ann).get(ORDERS))["items"]] == [order]


async def test_the_same_request_is_the_same_order(caller: Caller, razorpay: StandIn, database: asyncpg.Pool) -> None:
    """BP-08: who pays again pays the same order."""
    one, ann = await shop(caller, razorpay), user()
    answers = await asyncio.gather(*(one.order(ann) for _ in range(5)))
    (order,) = {done(answer, 201)["order"]["id"] for answer in answers}
    assert len({answer.json()["vendor_order_id"] for answer in answers}) == 1
    # The price of an order that is made stays.
    done(await caller("root", "admin").patch(one.path, json={"price": 5 * PRICE}, headers=ANY))
    again = await one.ordered(ann)
    assert (again["order"]["id"], again["amount"]) == (order, PRICE)
    # Other terms are another order, in the place of the first.
    other = await one.ordered(ann, billing_name="Ann Ltd")
    assert (other["order"]["id"] != order, other["amount"]) == (True, 5 * PRICE)
    assert (await one.read(ann, order))["state"] == "cancelled"
    count = "SELECT count(*) FROM payments_order WHERE user_id = $1"
    assert await database.fetchval(count, ann) == 2


async def test_an_order_whose_timer_is_late_is_not_answered_again(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, ann = await shop(caller, razorpay), user()
    first = (await one.ordered(ann))["order"]["id"]
    await database.execute("UPDATE payments_order SET expires_at = now() WHERE id = $1", first)
    assert (await one.ordered(ann))["order"]["id"] != first
    assert (await one.read(ann, first))["state"] == "expired"


async def test_an_order_takes_the_coupon_s_use_and_gives_it_back(caller: Caller, razorpay: StandIn) -> None:
    one, ann, ben = await shop(caller, razorpay), user(), user()
    code = await coupon(caller, one.program, limit_total=1)
    first = await one.ordered(ann, coupon=code)
    assert (first["amount"], first["order"]["coupon_code"]) == (PRICE // 2, code)
    refused(await one.order(ben, coupon=code), 409, "payments.coupon_used_up")
    # The same request goes on with its own use.
    assert (await one.ordered(ann, coupon=code))["order"]["id"] == first["order"]["id"]
    done(await caller(ann).post(f"{ORDERS}/{first['order']['id']}/cancel"))
    assert (await one.ordered(ben, coupon=code))["amount"] == PRICE // 2


async def test_an_order_of_nothing_is_paid_at_once(caller: Caller, razorpay: StandIn) -> None:
    one, ann = await shop(caller, razorpay), user()
    code = await coupon(caller, one.program, value=10_000)
    before = len((await razorpay.books())["orders"])
    made = await one.ordered(ann, coupon=code)
    assert (made["amount"], made["vendor_order_id"], made["order"]["state"]) == (0, "", "paid")
    await one.gets_place(ann)
    assert len((await razorpay.books())["orders"]) == before
    refused(await caller(ann).post(f"{ORDERS}/{made['order']['id']}/cancel"), 409, "payments.order_closed")


async def test_an_order_that_is_cancelled_stays_so(caller: Caller, razorpay: StandIn) -> None:
    one, ann = await shop(caller, razorpay), user()
    first = (await one.ordered(ann))["order"]["id"]
    for _ in range(2):
        answer = await caller(ann).post(f"{ORDERS}/{first}/cancel")
        assert done(answer)["state"] == "cancelled"
    assert (await one.ordered(ann))["order"]["id"] != first


async def test_fault_5_the_answer_to_an_order_is_lost(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Docs "retries and idempotency": the receipt finds the order that was made, and no second one is made.

    BP-07, ORD-05, fault 5.
    """
    one, ann = await shop(caller, razorpay), user()
    await razorpay.faults(operations={"razorpay.CreateOrder": {"error": "cut", "when": "after", "times": 1}})
    made = await one.ordered(ann)
    receipt = f"o-{made['order']['id']}"
    theirs = [order["id"] for order in (await razorpay.books())["orders"] if order["receipt"] == receipt]
    assert theirs == [made["vendor_order_id"]]


async def test_while_razorpay_is_away_the_order_waits(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, ann = await shop(caller, razorpay), user()
    code = await coupon(caller, one.program, limit_total=1)
    await razorpay.faults(operations={"razorpay.*": {"error": "html"}})
    for _ in range(2):
        refused(await one.order(ann, coupon=code), 503, "unavailable")
    (row,) = await database.fetch("SELECT id, state FROM payments_order WHERE user_id = $1", ann)
    assert row["state"] == "created"
    await razorpay.faults()
    made = await one.ordered(ann, coupon=code)
    assert (made["order"]["id"], made["order"]["state"]) == (row["id"], "open")


async def test_places_that_are_being_paid_for_are_sold_to_nobody_else(caller: Caller, razorpay: StandIn) -> None:
    one = await shop(caller, razorpay, capacity=2)
    people = [user() for _ in range(6)]
    answers = await asyncio.gather(*(one.order(who) for who in people))
    codes = [answer.json().get("code", "made") for answer in answers]
    assert sorted(codes) == ["made"] * 2 + ["payments.not_for_sale"] * 4
    holder = people[codes.index("made")]
    assert (await one.ordered(holder))["order"]["state"] == "open"
    given_up = answers[codes.index("made")].json()["order"]["id"]
    done(await caller(holder).post(f"{ORDERS}/{given_up}/cancel"))
    await one.ordered(people[codes.index("payments.not_for_sale")])


@pytest.mark.parametrize(("currency", "price", "amount"), [("JPY", 5000, 2500), ("KWD", 10_050, 5020)])
async def test_fault_7_amounts_are_whole_minor_units_of_any_currency(
    caller: Caller, razorpay: StandIn, currency: str, price: int, amount: int
) -> None:
    """Fault 7: currencies with no decimals and with three: nothing is multiplied by a hundred."""
    one, ann = await shop(caller, razorpay, price=price, currency=currency), user()
    code = await coupon(caller, one.program)
    made = await one.ordered(ann, coupon=code)
    assert (made["amount"], made["currency"]) == (amount, currency)
    assert made["order"]["discount"] == price - amount
    (theirs,) = [order for order in (await razorpay.books())["orders"] if order["id"] == made["vendor_order_id"]]
    assert (theirs["amount"], theirs["currency"]) == (amount, currency)


@pytest.fixture(scope="module")
async def bare(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(environ={"KSMP_PAYMENTS_HOLD_PLACES": "false"}) as running:
        yield running


class TestWithoutRazorpay:
    @pytest.fixture
    async def clients(self, bare: Running, token: MakeToken) -> AsyncIterator[Clients]:
        async with clients_of(bare, token) as made:
            yield made

    async def test_nothing_is_sold_and_the_rest_goes_on(self, caller: Caller, razorpay: StandIn) -> None:
        one, ann = await shop(caller, razorpay), user()
        refused(await one.order(ann), 503, "unavailable")
        (order,) = done(await caller(ann).get(ORDERS))["items"]
        assert order["state"] == "created"
        done(await caller(ann).post(f"{ORDERS}/{order['id']}/cancel"))


def test_the_module_has_what_its_packages_need(node: Running) -> None:
    assert node.module(PaymentsModule).checkout.settlement is not None
