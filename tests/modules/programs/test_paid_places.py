"""Places that are paid for, by events of a payments module of the tests' own; and who loses one leaves the rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import asyncpg
import pytest

from gateway import clock, registry
from gateway.app import Gateway
from gateway.contract import Delivery, Kernel, Module, listener
from gateway.errors import Conflict
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import WireClient, WireError, connected
from modules.payments.events import DisputeLost, PaymentCaptured, PaymentRefunded
from modules.programs.events import EnrolmentCancelled, PlaceRefused
from modules.programs.module import ProgramsModule
from tests.modules.programs.programs import ANY, created, id_of, signed_in, user

# What may happen to a program and its places, by how often.
ACTS = (*["enrol"] * 6, *["change"] * 3, *["leave"] * 3, "state", "block", "block", "pay", "refund")


class Till(Module):
    """Takes money, and is told whose it gives back."""

    name = "payments"
    requires = ("programs",)
    emits = (PaymentCaptured, PaymentRefunded, DisputeLost)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.heard: dict[str | None, Any] = {}

    async def tell(self, event: PaymentCaptured | PaymentRefunded | DisputeLost) -> None:
        async with self.kernel.database.transaction():
            await self.kernel.events.publish(event)

    async def paid(self, path: str, who: str, payment: str) -> None:
        await self.tell(PaymentCaptured(payment, id_of(path), who))

    async def refund(self, payment: str) -> Any:
        """What was heard that gives this payment back."""
        async with asyncio.timeout(20):
            while payment not in self.heard:
                await asyncio.sleep(0.02)
        return self.heard[payment]

    @listener(PlaceRefused, "payments.refused")
    @listener(EnrolmentCancelled, "payments.cancelled")
    async def _hear(self, event: PlaceRefused | EnrolmentCancelled, delivery: Delivery) -> None:
        assert event.payment_id not in self.heard or event.payment_id is None, f"{event.payment_id} is refunded twice"
        self.heard[event.payment_id] = event


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    modules = ("accounts", "files", "programs", "live")
    async with gateway(address_burst=100_000, modules=modules, more=[Till]) as running:
        yield running


@pytest.fixture
def till(node: Running) -> Till:
    return node.module(Till)


async def has_place(caller: Caller, path: str, who: str) -> None:
    async with asyncio.timeout(20):
        while (answer := await caller(who).get(f"{path}/enrolment")).status_code == 404:
            await asyncio.sleep(0.02)
    assert done(answer)["state"] == "enrolled"


async def settled(database: asyncpg.Pool, *payments: str) -> None:
    async with asyncio.timeout(20):
        count = "SELECT count(*) FROM program_payment WHERE payment_id = ANY($1)"
        while await database.fetchval(count, payments) < len(payments):
            await asyncio.sleep(0.02)


def test_what_is_heard_of_payments_depends_on_whether_they_are_on() -> None:
    others = registry.load(("accounts", "files", "programs", "live"))
    alone = Gateway.described(others).declarations.listeners
    assert {"programs.leave", "live.leave"} <= alone.keys()
    of_payments = {"programs.paid", "programs.refunded", "programs.dispute_lost"}
    assert not of_payments & alone.keys()
    assert of_payments <= Gateway.described([*others, Till]).declarations.listeners.keys()


async def test_a_payment_takes_a_place_or_is_refunded(caller: Caller, till: Till, database: asyncpg.Pool) -> None:
    mentor, ann, ben = caller(user(), "mentor"), user(), user()
    path = await created(mentor, price=100, capacity=1)
    refused(await caller(ann).post(f"{path}/enrolment"), 409, "programs.payment_required")
    first, again, late, unknown = (f"pay-{user()}" for _ in range(4))
    await till.paid(path, ann, first)
    await has_place(caller, path, ann)

    # Told of twice it is one payment; another for the same place, and one for a place that is taken, come back.
    await till.paid(path, ann, first)
    await till.paid(path, ann, again)
    await till.paid(path, ben, late)
    await till.paid(f"/{user()}", ben, unknown)
    assert (await till.refund(again)).reason == "already_enrolled"
    assert await till.refund(late) == PlaceRefused(id_of(path), ben, late, "full")
    assert (await till.refund(unknown)).reason == "no_program"
    refused(await caller(ben).get(f"{path}/enrolment"), 404, "not_found")
    assert first not in till.heard

    # Who gives the place back is refunded, and a late repeat of the payment gives no place.
    done(await caller(ann).delete(f"{path}/enrolment"), 204)
    assert isinstance(await till.refund(first), EnrolmentCancelled)
    await till.tell(PaymentRefunded(first, id_of(path), ann))
    await till.paid(path, ann, first)
    other = f"pay-{user()}"
    await till.paid(path, ben, other)
    await has_place(caller, path, ben)
    refused(await caller(ann).get(f"{path}/enrolment"), 404, "not_found")

    done(await mentor.post(f"{path}/archive", headers=ANY))
    archived = f"pay-{user()}"
    await till.paid(path, ann, archived)
    assert (await till.refund(archived)).reason == "not_open"
    # Those who have a place keep it; mentors may take it, and the money goes back.
    refused(await caller(user(), "mentor").delete(f"{path}/students/{ben}"), 404, "not_found")
    refused(await caller(ben).delete(f"{path}/students/{ben}"), 403, "forbidden")
    refused(await mentor.delete(f"{path}/students/{ann}"), 404, "not_found")
    done(await mentor.delete(f"{path}/students/{ben}"), 204)
    assert isinstance(await till.refund(other), EnrolmentCancelled)


async def test_who_waits_gets_no_place_for_nothing(caller: Caller, till: Till, node: Running) -> None:
    mentor, students = caller(user(), "mentor"), [user() for _ in range(5)]
    path = await created(mentor, capacity=1)
    for student in students:
        done(await caller(student).post(f"{path}/enrolment"))

    async def states() -> list[str]:
        answers = [await caller(student).get(f"{path}/enrolment") for student in students]
        return [one.json().get("state", "none")[:4] for one in answers]

    # One change sets a price and makes room.
    done(await mentor.patch(path, json={"price": 100, "capacity": 2}, headers=ANY))
    assert await states() == ["enro", "wait", "wait", "wait", "wait"]
    # A place of a program with a price becomes free.
    done(await caller(students[0]).delete(f"{path}/enrolment"), 204)
    done(await caller(students[1]).post(f"{path}/enrolment"))
    assert await states() == ["none", "wait", "wait", "wait", "wait"]
    # Whoever waits may buy it, like anybody else.
    await till.paid(path, students[2], payment := f"pay-{user()}")
    await node.events_handled("programs.paid")
    assert await states() == ["none", "wait", "enro", "wait", "wait"]
    done(await mentor.post(f"{path}/archive", headers=ANY))
    done(await mentor.patch(path, json={"price": 0}, headers=ANY))
    assert await states() == ["none", "wait", "enro", "wait", "wait"]

    root = caller("root", "admin")
    done(await root.post(f"/api/v1/users/{students[1]}/block", json={}))
    done(await mentor.post(f"{path}/publish", headers=ANY))
    done(await root.post(f"/api/v1/users/{students[1]}/unblock"))
    await node.events_handled("programs.user_unblocked")
    # Free and published again it goes on in the order of the list, past whom is blocked.
    assert await states() == ["none", "wait", "enro", "enro", "wait"]
    await till.tell(PaymentRefunded(payment, id_of(path), students[2]))
    await node.events_handled("programs.refunded")
    assert await states() == ["none", "enro", "none", "enro", "wait"]


async def test_a_place_that_stayed_free_goes_to_who_is_unblocked(caller: Caller, node: Running) -> None:
    mentor, first, second = caller(user(), "mentor"), user(), user()
    path = await created(mentor, capacity=1)
    for student in (first, second):
        done(await caller(student).post(f"{path}/enrolment"))
    root = caller("root", "admin")
    done(await root.post(f"/api/v1/users/{second}/block", json={}))
    done(await caller(first).delete(f"{path}/enrolment"), 204)
    done(await root.post(f"/api/v1/users/{second}/unblock"))
    await node.events_handled("programs.user_unblocked")
    assert done(await caller(second).get(f"{path}/enrolment"))["state"] == "enrolled"


async def test_what_has_a_price_is_not_open_to_all(caller: Caller, database: asyncpg.Pool) -> None:
    mentor, student = caller(user(), "mentor"), caller(user())
    path = await created(mentor)
    await database.execute("UPDATE program SET open_to_all = true WHERE id = $1", id_of(path))
    assert (await student.get(f"{path}/progress")).status_code == 200
    done(await mentor.patch(path, json={"price": 100}, headers=ANY))
    refused(await student.get(f"{path}/progress"), 403, "forbidden")
    done(await mentor.patch(path, json={"price": 0}, headers=ANY))
    refused(await student.get(f"{path}/progress"), 403, "forbidden")


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_gets_a_place_pays_its_price(
    node: Running, caller: Caller, database: asyncpg.Pool, seed: int
) -> None:
    """Whatever mentors, students, admins and payments do in any order, nobody gets a place without its price."""
    random = Random(seed)
    mentor, root, tag = caller(user(), "mentor"), caller("root", "admin"), user()
    path = await created(mentor, capacity=1)
    people = [f"{tag}-{number}" for number in range(7)]
    rest = {one: caller(one) for one in people}
    blocked, held, waiting = set[str](), set[str](), list[str]()
    enrolments = node.module(ProgramsModule).enrolments
    delivery = Delivery(id="test", at=clock.now(), attempt=1)

    async def hear(listener: Any, event: PaymentCaptured | PaymentRefunded) -> None:
        async with node.gateway.database.transaction():
            await listener(event, delivery)

    paid_with: dict[str, str] = {}
    for step in range(60):
        who, payer = random.choice(people), None
        match random.choice(ACTS):
            case "enrol":
                if who in blocked:
                    continue
                await rest[who].post(f"{path}/enrolment")
            case "leave":
                await mentor.delete(f"{path}/students/{who}")
            case "leave":
                await mentor.delete(f"{path}/students/{who}")
            case "change":
                change = {"price": random.choice([0, 0, 100]), "capacity": random.choice([1, 2, 3])}
                await mentor.patch(path, json=dict(random.sample(sorted(change.items()), 1 + step % 2)), headers=ANY)
            case "state":
                await mentor.post(f"{path}/{random.choice(['archive', 'publish', 'publish'])}", headers=ANY)
            case "block":
                out = random.choice(sorted({*(waiting or people)} - blocked) or people)
                for act, one in [*(("unblock", one) for one in blocked), ("block", out)]:
                    await root.post(f"/api/v1/users/{one}/{act}", json={})
                await node.events_handled("programs.user_unblocked")
                blocked = {out}
            case "pay":
                payer, paid_with[who] = who, f"pay-{user()}"
                await hear(enrolments.take_paid, PaymentCaptured(paid_with[who], id_of(path), who))
            case "refund" if who in paid_with:
                await hear(enrolments.take_refunded, PaymentRefunded(paid_with[who], id_of(path), who))
        program = await database.fetchrow("SELECT * FROM program WHERE id = $1", id_of(path))
        places = await database.fetch("SELECT * FROM program_enrolment WHERE program_id = $1", id_of(path))
        now = {one["user_id"] for one in places if one["state"] == "enrolled"}
        waiting = sorted(one["user_id"] for one in places if one["state"] == "waiting")
        free = program["price"] == 0 and program["state"] == "published"
        assert now - held <= (set() if not free else {*people} - blocked) | {payer}, step
        assert program["capacity"] is None or len(now) <= program["capacity"]
        if free and (program["capacity"] is None or len(now) < program["capacity"]):
            assert {*waiting} <= blocked, step
        held = now


async def test_a_refund_takes_the_place_back_whichever_comes_first(
    caller: Caller, till: Till, database: asyncpg.Pool
) -> None:
    ann, ben = user(), user()
    path = await created(caller(user(), "mentor"), price=100)
    payments = [f"pay-{user()}" for _ in range(2)]
    await till.paid(path, ann, payments[0])
    await has_place(caller, path, ann)
    await till.tell(PaymentRefunded(payments[0], id_of(path), ann))
    async with asyncio.timeout(20):
        while (await caller(ann).get(f"{path}/enrolment")).status_code != 404:
            await asyncio.sleep(0.02)
    # The money is back already.
    assert payments[0] not in till.heard
    await till.tell(PaymentRefunded(payments[1], id_of(path), ben))
    await settled(database, payments[1])
    await till.paid(path, ben, payments[1])
    mark = f"pay-{user()}"
    await till.paid(path, ann, mark)
    await has_place(caller, path, ann)
    refused(await caller(ben).get(f"{path}/enrolment"), 404, "not_found")


async def test_a_part_of_the_money_or_a_refund_that_keeps_the_place_leaves_it(
    caller: Caller, till: Till, node: Running
) -> None:
    ann, path = user(), await created(caller(user(), "mentor"), price=100)
    payment, others = f"pay-{user()}", [user() for _ in range(2)]
    half = PaymentRefunded(payment, id_of(path), ann, refund_id="r-1", amount=50, currency="INR", full=False)
    kept = PaymentRefunded(payment, id_of(path), ann, refund_id="r-2", amount=100, currency="INR", keep_place=True)
    # Before the payment, and after it.
    for event in (half, kept):
        await till.tell(event)
    await node.events_handled("programs.refunded")
    await till.paid(path, ann, payment)
    await has_place(caller, path, ann)
    for event in (half, kept, DisputeLost("d-1", payment, id_of(path), ann, "o-1", 50, "INR", full=False)):
        await till.tell(event)
    await till.tell(DisputeLost("d-2", payment, id_of(path), ann, "o-1", 100, "INR", keep_place=True))
    await node.events_handled("programs.refunded")
    await node.events_handled("programs.dispute_lost")
    assert done(await caller(ann).get(f"{path}/enrolment"))["state"] == "enrolled"

    # All of it, without more words, takes the place; so does a lost dispute.
    for who, lost in zip(others, (False, True), strict=True):
        paid = f"pay-{user()}"
        await till.paid(path, who, paid)
        await has_place(caller, path, who)
        if lost:
            await till.tell(DisputeLost("d-3", paid, id_of(path), who, "o-2", 100, "INR"))
        else:
            await till.tell(PaymentRefunded(paid, id_of(path), who, refund_id="r-3", amount=100, currency="INR"))
        await node.events_handled("programs.dispute_lost" if lost else "programs.refunded")
        refused(await caller(who).get(f"{path}/enrolment"), 404, "not_found")
        # The money is back already.
        assert paid not in till.heard


async def test_a_payment_of_another_place_is_for_a_person_to_look_at(caller: Caller, till: Till, node: Running) -> None:
    ann, ben, payment = user(), user(), f"pay-{user()}"
    path = await created(caller(user(), "mentor"), price=100)
    await till.paid(path, ann, payment)
    await has_place(caller, path, ann)
    enrolments = node.module(ProgramsModule).enrolments
    delivery = Delivery(id="again", at=clock.now(), attempt=1)
    with pytest.raises(Conflict) as caught:
        async with till.kernel.database.transaction():
            await enrolments.take_paid(PaymentCaptured(payment, id_of(path), ben), delivery)
    assert caught.value.code == "programs.payment_reused"
    refused(await caller(ben).get(f"{path}/enrolment"), 404, "not_found")
    assert payment not in till.heard


async def test_many_who_pay_at_once_for_few_places(caller: Caller, till: Till, database: asyncpg.Pool) -> None:
    path = await created(caller(user(), "mentor"), price=100, capacity=3)
    payments = {f"pay-{who}": who for who in (user() for _ in range(12))}
    await asyncio.gather(*(till.paid(path, who, payment) for payment, who in payments.items()))
    await settled(database, *payments)
    rows = await database.fetch(
        "SELECT payment_id FROM program_enrolment WHERE program_id = $1 AND state = 'enrolled'", id_of(path)
    )
    enrolled = {row["payment_id"] for row in rows}
    assert len(enrolled) == 3
    for payment in payments.keys() - enrolled:
        assert (await till.refund(payment)).reason == "full"
    assert not enrolled & till.heard.keys()


async def left(client: WireClient, room: str) -> Any:
    return (await client.expect_push("left", room))["data"]


async def test_who_loses_a_place_leaves_the_rooms(
    caller: Caller, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    co, ann, ben = user(), user(), user()
    mentor = caller(user(), "mentor")
    await signed_in(caller(co, "mentor"))
    path = await created(mentor, co_mentors=[co])
    room, session, bygone = f"program:{id_of(path)}", user(), user()
    await database.executemany(
        "INSERT INTO live_session (id, program_id, title, mentor_id, state, ended_at) "
        "VALUES ($1, $2, 'A class', 'm', $3, now() - interval '2 hours')",
        [(session, id_of(path), "live"), (bygone, id_of(path), "ended")],
    )
    # Who is a co-host by a host's word is in the staff room.
    await database.execute("INSERT INTO live_promotion VALUES ($1, $2, 'cohost')", session, ann)
    for who in (ann, ben):
        await caller(who).post(f"{path}/enrolment")
    async with (
        connected(node.ws_url, token(ann)) as cancels,
        connected(node.ws_url, token(ben)) as removed,
        connected(node.ws_url, token(co, "mentor")) as demoted,
    ):
        rooms = (room, f"session:{session}", f"staff:{session}")
        for client in (cancels, removed, demoted):
            for one in rooms[: 2 if client is removed else 3]:
                await client.join(one)
        await caller(co, "mentor").post(f"{path}/enrolment")
        done(await caller(ann).delete(f"{path}/enrolment"), 204)
        done(await mentor.delete(f"{path}/students/{ben}"), 204)
        done(await mentor.patch(path, json={"co_mentors": []}, headers=ANY))
        for client in (cancels, removed):
            assert await left(client, room) == {"code": "programs.part_lost", "rejoin": False}
            await left(client, f"session:{session}")
            for one in rooms[:2]:
                with pytest.raises(WireError) as caught:
                    await client.join(one)
                assert caught.value.code == "forbidden"
        await left(cancels, rooms[2])
        with pytest.raises(WireError, match="forbidden"):
            await cancels.join(rooms[2])
        # Who is enrolled besides comes back as a student, and as no host.
        assert await left(demoted, room) == {"code": "programs.part_lost", "rejoin": True}
        for one in rooms[1:]:
            assert (await left(demoted, one))["code"] == "live.part_lost"
        for one in rooms[:2]:
            await demoted.join(one)
        with pytest.raises(WireError):
            await demoted.join(rooms[2])
        # The place may be taken again at once.
        done(await caller(ann).post(f"{path}/enrolment"))
        await cancels.join(room)
        await cancels.join(rooms[1])
        with pytest.raises(WireError, match="forbidden"):
            await cancels.join(rooms[2])
    # What is long over is left alone, however much of it there is.
    assert await database.fetch("SELECT key FROM fact WHERE strpos(key, $1) > 0", bygone) == []
    assert len(await database.fetch("SELECT key FROM fact WHERE strpos(key, $1) > 0", session)) == 6
