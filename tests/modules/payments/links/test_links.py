"""Payment links: somebody without an account pays, and the student is enrolled once, whatever gets lost."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import httpx

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.payments.events import OrderDue
from tests.modules.payments.razorpay import StandIn
from tests.modules.programs.programs import created, id_of, signed_in, user

LINKS = "/api/v1/payments/links"
CALLBACK = f"{LINKS}/callback"


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


async def program(caller: Caller, **values: Any) -> str:
    return await created(caller(user(), "mentor"), price=118_000, **values)


async def linked(who: httpx.AsyncClient, path: str, **values: Any) -> dict[str, Any]:
    answer = await who.post(LINKS, json={"program_id": id_of(path)} | values, headers=key())
    link: dict[str, Any] = done(answer, 201)
    return link


async def pay(razorpay: StandIn, link: dict[str, Any], **choice: Any) -> dict[str, str]:
    """A parent pays; what their browser takes to the callback."""
    paid = await razorpay.drive("POST", "pay", json={"payment_link_id": link["url"].rsplit("/", 1)[1], **choice})
    return {name: value for name, value in paid.items() if name.startswith("razorpay_")}


async def state_of(who: httpx.AsyncClient, link: dict[str, Any]) -> str:
    return str(done(await who.get(f"{LINKS}/{link['order_id']}"))["state"])


async def becomes(who: httpx.AsyncClient, link: dict[str, Any], state: str) -> None:
    async def there() -> bool:
        return await state_of(who, link) == state

    await eventually(there, f"the order is {state}")


async def enrolled(who: httpx.AsyncClient, path: str) -> None:
    async def there() -> bool:
        return (await who.get(f"{path}/enrolment")).status_code == 200

    await eventually(there, "the student has the place")


async def captures(database: asyncpg.Pool[Any], link: dict[str, Any]) -> int:
    """How often the order's money stands in the books."""
    count = "SELECT count(*) FROM payments_ledger_transaction WHERE order_id = $1 AND kind = 'capture'"
    return int(await database.fetchval(count, link["order_id"]))


async def test_a_parent_pays_and_the_student_is_enrolled_once(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool[Any], node: Running
) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path, payer={"name": "Asha Rao", "email": "asha@example.com", "contact": "+919876543210"})
    assert (link["state"], link["amount"], link["program_id"]) == ("open", 118_000, id_of(path))
    assert link["url"].startswith("http")
    # Asked for again it is the same one, also with another key.
    assert await linked(sam, path) == link
    refused(await sam.post(LINKS, json={"program_id": id_of(path)}), 400, "invalid")

    handed = await pay(razorpay, link)
    nobody = caller()
    for _ in range(2):
        page = await nobody.get(CALLBACK, params=handed)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "Payment received" in page.text
        assert "भुगतान" in page.text
        assert not any(told in page.text for told in ("Asha", "Algebra", link["order_id"], "118"))
    await razorpay.settle()
    await node.events_handled("payments.webhook")
    await enrolled(sam, path)
    assert await captures(database, link) == 1
    paid = done(await sam.get(f"{LINKS}/{link['order_id']}"))
    assert (paid["state"], paid["url"]) == ("paid", "")


async def test_the_webhook_alone_pays_it(caller: Caller, razorpay: StandIn, database: asyncpg.Pool[Any]) -> None:
    """The tab was closed. Webhooks of the payment name an order that is not known here before the link's."""
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    await pay(razorpay, link, closed=True)
    await razorpay.settle()
    await becomes(sam, link, "paid")
    await enrolled(sam, path)
    assert await captures(database, link) == 1


async def test_lost_webhooks_and_a_closed_tab_are_healed(
    caller: Caller, razorpay: StandIn, node: Running, database: asyncpg.Pool[Any]
) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    await razorpay.no_webhooks()
    await pay(razorpay, link, closed=True)
    await node.publish_event(OrderDue(link["order_id"]))
    await becomes(sam, link, "paid")
    await node.publish_event(OrderDue(link["order_id"]))
    await node.events_handled("payments.check_order")
    assert await captures(database, link) == 1


async def test_an_answer_that_was_lost_is_read_back(caller: Caller, razorpay: StandIn) -> None:
    path, sam = await program(caller), caller(user())
    await razorpay.faults(
        operations={
            "razorpay.CreatePaymentLink": {"error": "cut", "when": "after", "times": 1},
            "razorpay.ListPaymentLinks": {"error": "server_error", "times": 1},
        }
    )
    wanted, once = {"program_id": id_of(path)}, key()
    refused(await sam.post(LINKS, json=wanted, headers=once), 503, "unavailable")
    link = done(await sam.post(LINKS, json=wanted, headers=once), 201)
    # Another answer that is lost, and found at once.
    await razorpay.faults(operations={"razorpay.CreatePaymentLink": {"error": "html", "when": "after", "times": 1}})
    other = await linked(sam, await program(caller))
    made = (await razorpay.http.get("/razorpay/v1/payment_links", auth=("rzp_test_ksmp", "ksmp-test-secret"))).json()
    urls = [one["short_url"] for one in made["payment_links"]]
    assert sorted(urls) == sorted([link["url"], other["url"]])


async def test_a_lost_answer_is_found_when_the_order_is_due(caller: Caller, razorpay: StandIn, node: Running) -> None:
    path, sam = await program(caller), caller(who := user())
    await razorpay.faults(
        operations={
            "razorpay.CreatePaymentLink": {"error": "cut", "when": "after", "times": 1},
            "razorpay.ListPaymentLinks": {"error": "server_error", "times": 1},
        }
    )
    refused(await sam.post(LINKS, json={"program_id": id_of(path)}, headers=key()), 503, "unavailable")
    (order,) = done(await sam.get(f"/api/v1/payments/orders?user={who}"))["items"]
    assert order["state"] == "created"
    await node.publish_event(OrderDue(order["id"]))
    await becomes(sam, {"order_id": order["id"]}, "open")


async def test_cancelled_it_is_paid_by_nobody(caller: Caller, razorpay: StandIn) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    for _ in range(2):
        cancelled = done(await sam.post(f"{LINKS}/{link['order_id']}/cancel"))
        assert (cancelled["state"], cancelled["url"]) == ("cancelled", "")
    answer = await razorpay.http.post(
        "/_devcloud/razorpay/pay", json={"payment_link_id": link["url"].rsplit("/", 1)[1]}
    )
    assert answer.status_code == 400
    # The next one is another link.
    assert (await linked(sam, path))["url"] not in ("", link["url"])


async def test_paid_before_it_could_be_cancelled_it_is_paid(caller: Caller, razorpay: StandIn) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    await razorpay.no_webhooks()
    await pay(razorpay, link, closed=True)
    refused(await sam.post(f"{LINKS}/{link['order_id']}/cancel"), 409, "payments.order_closed")
    assert await state_of(sam, link) == "paid"
    await enrolled(sam, path)


async def test_paid_after_the_cancel_the_student_is_enrolled_once(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool[Any]
) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    # Our order is given up, and Razorpay cannot be told.
    await razorpay.faults(operations={"razorpay.CancelPaymentLink": {"error": "server_error"}})
    done(await sam.post(f"/api/v1/payments/orders/{link['order_id']}/cancel"))
    handed = await pay(razorpay, link)
    assert "Payment received" in (await caller().get(CALLBACK, params=handed)).text
    await razorpay.settle()
    await enrolled(sam, path)
    assert await captures(database, link) == 1


async def test_paid_in_two_tabs_it_is_paid_once(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool[Any], node: Running
) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    await pay(razorpay, link, times=2)
    await razorpay.settle()
    await node.events_handled("payments.webhook")
    await becomes(sam, link, "paid")
    await enrolled(sam, path)
    # Razorpay gives the second back by itself: it was never ours.
    assert await captures(database, link) == 1
    payments = await database.fetch("SELECT captured FROM payments_payment WHERE order_id = $1", link["order_id"])
    assert sorted(row["captured"] for row in payments) == [False, True]


async def test_an_order_that_is_replaced_has_its_link_cancelled(
    caller: Caller, razorpay: StandIn, node: Running
) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    # The student orders on the checkout page, which is another order.
    order = done(await sam.post("/api/v1/payments/orders", json={"program_id": id_of(path)}, headers=key()), 201)
    assert order["order"]["id"] != link["order_id"]
    assert await state_of(sam, link) == "cancelled"

    async def gone() -> bool:
        found = await razorpay.http.get(link["url"])
        return "Status: cancelled" in found.text

    await eventually(gone, "Razorpay's link is cancelled")
    await node.events_handled("payments.cancel_link")
    # And the other way round.
    again = await linked(sam, path)
    assert done(await sam.get(f"/api/v1/payments/orders/{order['order']['id']}"))["state"] == "cancelled"
    assert again["url"] not in ("", link["url"])


async def test_when_its_time_is_over_it_is_expired(caller: Caller, razorpay: StandIn) -> None:
    path, sam = await program(caller), caller(user())
    admin = caller(user(), "admin")
    coupon = {"code": f"L-{uuid.uuid4().hex}", "kind": "percent", "value": 1000, "limit_total": 1}
    made = done(await admin.post("/api/v1/payments/coupons", json=coupon), 201)
    link, other = await linked(sam, path, coupon=coupon["code"]), await linked(sam, await program(caller))
    assert link["amount"] == 106_200
    await razorpay.advance(86_500)
    await razorpay.settle()
    await becomes(sam, link, "expired")
    await becomes(sam, other, "expired")
    assert done(await admin.get(f"/api/v1/payments/coupons/{made['id']}"))["used"] == 0


async def test_a_free_place_needs_no_link(caller: Caller, razorpay: StandIn) -> None:
    path, sam = await program(caller), caller(user())
    coupon = {"code": f"L-{uuid.uuid4().hex}", "kind": "percent", "value": 10_000}
    done(await caller(user(), "admin").post("/api/v1/payments/coupons", json=coupon), 201)
    link = await linked(sam, path, coupon=coupon["code"])
    assert (link["state"], link["amount"], link["url"]) == ("paid", 0, "")
    await enrolled(sam, path)


async def test_who_makes_and_sees_links(caller: Caller, razorpay: StandIn) -> None:
    mentor, second, other = caller(user(), "mentor"), caller(helper := user(), "mentor"), caller(user(), "mentor")
    admin, sam, tom = caller(user(), "admin"), caller(sams := user()), caller(user())
    await signed_in(mentor, second, other, admin, sam, tom)
    path = await created(mentor, price=118_000, co_mentors=[helper])
    wanted = {"program_id": id_of(path), "user_id": sams}
    link = await linked(mentor, path, user_id=sams)
    assert link["user_id"] == sams
    # It is the student's, whoever asks for it.
    for one in (second, admin, sam):
        assert done(await one.post(LINKS, json=wanted, headers=key()), 201) == link
    for stranger in (other, tom):
        refused(await stranger.post(LINKS, json=wanted, headers=key()), 403, "forbidden")
        refused(await stranger.get(f"{LINKS}/{link['order_id']}"), 404, "not_found")
        refused(await stranger.post(f"{LINKS}/{link['order_id']}/cancel"), 404, "not_found")
    for one in (mentor, second, admin, sam):
        assert done(await one.get(f"{LINKS}/{link['order_id']}")) == link
    refused(await caller().get(f"{LINKS}/{link['order_id']}"), 401, "unauthenticated")
    refused(await caller().post(LINKS, json=wanted, headers=key()), 401, "unauthenticated")
    unknown = wanted | {"user_id": user()}
    refused(await mentor.post(LINKS, json=unknown, headers=key()), 400, "invalid")
    # An order of the checkout page is no link.
    order = done(await tom.post("/api/v1/payments/orders", json={"program_id": id_of(path)}, headers=key()), 201)
    refused(await tom.get(f"{LINKS}/{order['order']['id']}"), 404, "not_found")


async def test_a_callback_proves_itself_and_its_own_link_alone(caller: Caller, razorpay: StandIn) -> None:
    sam = caller(user())
    link, other = [await linked(sam, await program(caller)) for _ in range(2)]
    handed = await pay(razorpay, link, closed=False)
    nobody = caller()
    for forged in (
        {},
        handed | {"razorpay_signature": "0" * 64},
        handed | {"razorpay_signature": "é" * 64},
        handed | {"razorpay_payment_link_reference_id": f"l-{other['order_id']}"},
        handed | {"razorpay_payment_link_id": other["url"].rsplit("/", 1)[1]},
        handed | {"razorpay_payment_link_status": "expired"},
    ):
        page = await nobody.get(CALLBACK, params=forged)
        assert page.status_code == 400
        assert "cannot be confirmed" in page.text
    assert await state_of(sam, other) == "open"


async def test_a_callback_while_razorpay_is_away_is_settled_later(
    caller: Caller, razorpay: StandIn, node: Running
) -> None:
    path, sam = await program(caller), caller(user())
    link = await linked(sam, path)
    await razorpay.no_webhooks()
    handed = await pay(razorpay, link)
    await razorpay.faults(operations={"razorpay.FetchPayment": {"error": "server_error", "times": 1}})
    page = await caller().get(CALLBACK, params=handed)
    assert (page.status_code, "is confirming" in page.text) == (200, True)
    await becomes(sam, link, "paid")
    await enrolled(sam, path)
