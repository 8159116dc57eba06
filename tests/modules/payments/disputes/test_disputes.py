"""Disputes of payments: told once, answered in time, and what a lost one does to the books and the place."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from devcloud.razorpay.webhooks import signature
from devstack.devcloud import DevCloud
from gateway import clock
from ksmp_testkit import MakeGateway, MakeToken
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from modules.payments.vendor.entities import VendorDispute, entity
from tests.modules.payments.refunds.shop import PAYMENTS, WEBHOOK_SECRET, Ears, Sale, Shop, key
from tests.modules.programs.programs import user


async def opened(shop: Shop, sale: Sale, **more: Any) -> str:
    """A dispute at the stand-in, of which we know."""
    id = str((await shop.drive("POST", "disputes", payment_id=sale.payment_id, **more))["id"])
    await told(shop, id)
    return id


async def told(shop: Shop, id: str) -> None:
    """We learn how the dispute stands."""
    await shop.module.disputes.apply(await shop.razorpay.dispute(id))
    await shop.handled()


async def decided(shop: Shop, id: str, decision: str) -> None:
    await shop.drive("POST", "disputes/decide", dispute_id=id, decision=decision)
    await told(shop, id)


async def read(shop: Shop, id: str) -> Any:
    return done(await shop.admin.get(f"{PAYMENTS}/disputes/{id}"))


async def test_a_dispute_is_told_of_once_and_leaves_the_place(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    before = await shop.balance(sale, "receivable")
    id = await opened(shop, sale)
    for _ in range(2):
        await told(shop, id)
    (event,) = shop.ears.opened[id]
    assert (event.payment_id, event.order_id, event.amount) == (sale.payment_id, sale.order_id, 50_000)
    dispute = await read(shop, id)
    assert (dispute["state"], dispute["phase"], dispute["order_id"]) == ("open", "chargeback", sale.order_id)
    assert event.respond_by.startswith(dispute["respond_by"].removesuffix("Z"))
    await decided(shop, id, "under_review")
    assert (await read(shop, id))["state"] == "under_review"
    await decided(shop, id, "action_required")
    assert (await read(shop, id))["state"] == "open"
    assert await shop.has_place(sale)
    assert await shop.balance(sale, "receivable") == before


@pytest.mark.parametrize("decision", ["won", "closed"])
async def test_a_dispute_that_is_not_lost_changes_nothing(shop: Shop, decision: str) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale)
    await decided(shop, id, decision)
    assert (await read(shop, id))["state"] == decision
    assert await shop.has_place(sale)
    assert id not in shop.ears.lost
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)
    # The money is ours, and may be refunded.
    assert (await shop.ask(sale))["amount"] == 50_000


async def test_a_lost_dispute_is_booked_and_takes_the_place(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale)
    await decided(shop, id, "lost")
    for _ in range(2):
        await told(shop, id)
    dispute = await read(shop, id)
    assert (dispute["state"], dispute["deducted"]) == ("lost", 50_000)
    (event,) = shop.ears.lost[id]
    assert (event.amount, event.full, event.keep_place, event.order_id) == (50_000, True, False, sale.order_id)
    assert await shop.balance(sale, "dispute_losses") == 50_000
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)
    assert not await shop.has_place(sale)
    # The bank gave the money back; we do not as well.
    assert await shop.refunds(sale) == []
    assert sale.payment_id not in shop.ears.refunds
    answer = await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A"}, headers=key())
    refused(answer, 409, "payments.refund_too_large")


async def test_a_part_that_was_lost_leaves_the_place_and_the_rest(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale, amount=20_000)
    await decided(shop, id, "lost")
    assert [event.full for event in shop.ears.lost[id]] == [False]
    assert await shop.has_place(sale)
    rest = await shop.ask(sale)
    assert rest["amount"] == 30_000
    # With the rest nothing is left of the money, and the place goes.
    await shop.handled()
    await shop.look(rest["id"])
    assert [event.full for event in shop.ears.refunds[sale.payment_id]] == [True]
    assert not await shop.has_place(sale)
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)


async def test_who_leaves_during_a_dispute_gets_what_the_bank_does_not_hold(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale, amount=20_000)
    done(await shop.caller(sale.student).delete(f"{sale.program}/enrolment"), 204)
    await shop.handled()
    assert [one["amount"] for one in await shop.refunds(sale)] == [30_000]
    assert await shop.differences(sale.payment_id) == ["refund_withheld"]
    await decided(shop, id, "won")
    assert (await shop.ask(sale))["amount"] == 20_000


async def test_what_a_bank_may_take_is_not_refunded_as_well(shop: Shop) -> None:
    """A dispute in the phases of questions is answered by a refund; in a later one both would be paid."""
    sale = await shop.sell(await shop.program())
    await opened(shop, sale, amount=20_000)
    assert (await shop.ask(sale))["amount"] == 30_000
    asked = await shop.sell(await shop.program())
    await opened(shop, asked, phase="retrieval")
    assert (await shop.ask(asked))["amount"] == 50_000


async def test_an_operator_is_told_before_the_answer_is_due(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale, respond_within=7 * 86_400.0)
    assert await shop.differences(id) == []
    assert await due_in(shop, id) == pytest.approx(4 * 86_400, abs=60)
    # Razorpay moves the time: two days are left, then one hour, then none.
    for left, kinds, due in (
        (2 * 86_400, ["dispute_due"], 86_400),
        (3_600, ["dispute_due", "dispute_due_soon"], 3_600),
        (-60, ["dispute_due", "dispute_due_soon", "dispute_missed"], None),
    ):
        dispute = await shop.razorpay.dispute(id)
        moved = msgspec.structs.replace(dispute, respond_by=clock.now() + timedelta(seconds=left))
        await shop.module.disputes.apply(moved)
        async with asyncio.timeout(20):
            while await shop.differences(id) != kinds:
                await asyncio.sleep(0.05)
        assert await due_in(shop, id) == (None if due is None else pytest.approx(due, abs=60))
    # Whoever answered is told no more.
    await decided(shop, id, "under_review")
    assert await due_in(shop, id) is None


async def test_a_dispute_that_comes_late_is_told_of_at_once(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale, respond_within=3_600.0)
    async with asyncio.timeout(20):
        while await shop.differences(id) != ["dispute_due_soon"]:
            await asyncio.sleep(0.05)


async def due_in(shop: Shop, id: str) -> float | None:
    rows = await shop.database.fetch("SELECT at FROM timer WHERE name = 'payments.dispute_due' AND key = $1", id)
    return (rows[0]["at"] - clock.now()).total_seconds() if rows else None


async def test_webhooks_of_a_dispute_in_any_order(shop: Shop, cloud: DevCloud) -> None:
    """Every message of a life, shuffled and repeated, by the route that Razorpay calls."""
    random = Random(7)
    for _ in range(4):
        sale = await shop.sell(await shop.program())
        id = (await shop.drive("POST", "disputes", payment_id=sale.payment_id))["id"]
        for decision in ("under_review", "lost"):
            await shop.drive("POST", "disputes/decide", dispute_id=id, decision=decision)
        events = [
            event
            for event in (await shop.drive("GET", "events"))["events"]
            if event["payload"].get("dispute", {}).get("entity", {}).get("id") == id
        ]
        assert [event["event"] for event in events] == [
            "payment.dispute.created", "payment.dispute.under_review", "payment.dispute.lost",
        ]  # fmt: skip
        messages = events * 2
        random.shuffle(messages)
        for event in messages:
            await post_webhook(shop, event)
        await shop.handled()
        dispute = await read(shop, id)
        assert (dispute["state"], dispute["deducted"]) == ("lost", 50_000)
        assert (len(shop.ears.opened[id]), len(shop.ears.lost[id])) == (1, 1)
        assert await shop.balance(sale, "receivable") == await shop.owed(sale)
        assert not await shop.has_place(sale)


async def post_webhook(shop: Shop, event: Any) -> None:
    body = msgspec.json.encode({name: value for name, value in event.items() if name != "id"})
    headers = {
        "content-type": "application/json",
        "x-razorpay-signature": signature(WEBHOOK_SECRET, body),
        "x-razorpay-event-id": event["id"],
    }
    answer = await shop.caller().post(f"{PAYMENTS}/webhooks/razorpay", content=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_a_dispute_of_a_payment_that_is_not_known_yet_waits_for_it(shop: Shop) -> None:
    program, student = await shop.program(), user()
    checkout = await shop.order(program, student)
    payment_id = (await shop.pay(checkout))["payments"][-1]["id"]
    id = (await shop.drive("POST", "disputes", payment_id=payment_id))["id"]
    await shop.drive("POST", "disputes/decide", dispute_id=id, decision="lost")
    await told(shop, id)
    assert len(shop.ears.opened[id]) == 1
    assert id not in shop.ears.lost
    async with shop.node.gateway.database.transaction():
        await shop.module.checkout.settlement.apply_payment(await shop.razorpay.payment(payment_id))
    await shop.handled()
    await shop.node.fire_timer("payments.dispute_due", id)
    await shop.handled()
    sale = Sale(checkout["order"]["id"], payment_id, checkout["vendor_order_id"], student, program)
    assert len(shop.ears.lost[id]) == 1
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)
    assert not await shop.has_place(sale)


async def test_a_lost_dispute_without_a_sum_is_for_a_person(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale)
    dispute = await shop.razorpay.dispute(id)
    await shop.module.disputes.apply(msgspec.structs.replace(dispute, status="lost"))
    await shop.handled()
    assert await shop.differences(id) == ["dispute_unclear"]
    assert id not in shop.ears.lost
    # The sum comes later.
    await decided(shop, id, "lost")
    assert len(shop.ears.lost[id]) == 1


@pytest.mark.parametrize("first", ["lost", "won"])
async def test_a_dispute_with_two_decisions_is_for_a_person(shop: Shop, first: str) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale)
    dispute = await shop.razorpay.dispute(id)
    for decision in (first, "lost" if first == "won" else "won"):
        await shop.module.disputes.apply(msgspec.structs.replace(dispute, status=decision, amount_deducted=50_000))
    await shop.handled()
    assert await shop.differences(id) == ["dispute_contradicted"]
    assert len(shop.ears.lost[id]) == 1


async def test_only_admins_see_disputes(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    id = await opened(shop, sale)
    for who in (shop.caller(sale.student), shop.caller(user(), "mentor")):
        for path in (f"{PAYMENTS}/disputes", f"{PAYMENTS}/disputes/{id}"):
            refused(await who.get(path), 403, "forbidden")
    refused(await shop.caller().get(f"{PAYMENTS}/disputes"), 401, "unauthenticated")
    refused(await shop.admin.get(f"{PAYMENTS}/disputes/disp_{uuid.uuid4().hex}"), 404, "not_found")
    found = done(await shop.admin.get(f"{PAYMENTS}/disputes", params={"state": "open", "limit": 200}))["items"]
    assert id in [one["id"] for one in found]
    lost = done(await shop.admin.get(f"{PAYMENTS}/disputes", params={"state": "lost", "limit": 200}))["items"]
    assert id not in [one["id"] for one in lost]


@pytest.fixture
async def generous(
    gateway: MakeGateway,
    environ: dict[str, str],
    cloud: DevCloud,
    token: MakeToken,
    database: asyncpg.Pool[Any],
    postgres: str,
) -> AsyncIterator[Shop]:
    """A platform that lets students keep their places."""
    more = environ | {"KSMP_PAYMENTS_DISPUTE_KEEPS_PLACE": "true"}
    modules = ("accounts", "files", "programs", "payments")
    async with (
        gateway(modules=modules, more=[Ears], environ=more, database_url=postgres) as node,
        httpx.AsyncClient(base_url=cloud.url, trust_env=False, timeout=30.0) as http,
        clients_of(node, token) as clients,
    ):
        yield Shop(node, clients.rest, http, database)


async def test_by_policy_the_place_stays_after_a_lost_dispute(generous: Shop) -> None:
    sale = await generous.sell(await generous.program())
    id = await opened(generous, sale)
    await decided(generous, id, "lost")
    (event,) = generous.ears.lost[id]
    assert (event.full, event.keep_place) == (True, True)
    assert await generous.has_place(sale)


def test_the_entity_of_a_webhook_has_what_is_needed() -> None:
    raw = {
        "id": "disp_AHfqOvkldwsbqt",
        "entity": "dispute",
        "payment_id": "pay_EsyWjHrfzb59eR",
        "amount": 10_000,
        "currency": "INR",
        "amount_deducted": 0,
        "reason_code": "chargeback",
        "respond_by": 1_590_604_200,
        "status": "open",
        "phase": "chargeback",
        "created_at": 1_590_059_211,
    }
    assert entity(VendorDispute, raw).phase == "chargeback"
