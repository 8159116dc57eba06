"""What modules tell, seen in the lists of those who should hear of it, and in the lists of nobody else."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from gateway import clock
from ksmp_testkit import Caller, MakeGateway, Running, eventually
from ksmp_testkit.answers import done
from modules.assignments.events import CertificateIssued, CertificateRevoked, DueSoon, ExtensionGranted, GradeReleased
from modules.assignments.module import AssignmentsModule
from modules.payments.events import PaymentCaptured, PaymentFailed, PaymentRefunded
from modules.payments.module import PaymentsModule
from tests.modules.assignments.classroom import Classroom, classroom, later
from tests.modules.live.scheduling import ANY, at, create_session
from tests.modules.notify.conftest import ENVIRON

KINDS = (
    "SELECT notice.kind FROM notify_notification AS one JOIN notify_notice AS notice ON notice.id = one.notice_id"
    " WHERE one.user_id = $1 AND one.withdrawn_at IS NULL ORDER BY one.kind"
)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = ENVIRON | {"KSMP_LIVE_REMIND_BEFORE": "7200,900"}
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def room(caller: Caller, node: Running) -> Classroom:
    return await classroom(caller)


async def told(database: asyncpg.Pool, user: str, *kinds: str) -> None:
    """Wait until the user has been told just these, besides `assignments.published`."""

    async def arrived() -> Sequence[str]:
        rows = await database.fetch(KINDS, user)
        found = [row["kind"] for row in rows if row["kind"] != "assignments.published"]
        return found if found == sorted(kinds) else ()

    if kinds:
        await eventually(arrived)
    else:
        assert [row["kind"] for row in await database.fetch(KINDS, user)] == []


# Which listener tells of which event.
LISTENERS: dict[type[msgspec.Struct], str] = {
    DueSoon: "assignments.tell_due",
    GradeReleased: "assignments.tell_graded",
    ExtensionGranted: "assignments.tell_extended",
    CertificateIssued: "assignments.tell_certificate",
    CertificateRevoked: "assignments.untell_certificate",
    PaymentCaptured: "payments.tell_captured",
    PaymentFailed: "payments.tell_failed",
    PaymentRefunded: "payments.tell_refunded",
}


async def handled(database: asyncpg.Pool, listener: str) -> int:
    return int(await database.fetchval("SELECT count(*) FROM inbox WHERE listener = $1", listener))


async def publish(node: Running, database: asyncpg.Pool, module: type[Any], event: msgspec.Struct) -> None:
    """Publish the event, and wait until it was handled."""
    kernel, listener = node.module(module).kernel, LISTENERS[type(event)]
    before = await handled(database, listener)
    async with kernel.database.transaction():
        await kernel.events.publish(event)

    async def over() -> bool:
        return await handled(database, listener) > before

    await eventually(over)


async def test_a_session_is_told_of_from_its_reminder_to_its_end(
    node: Running, room: Classroom, database: asyncpg.Pool, caller: Caller
) -> None:
    student, stranger = room.students[0], f"s-{uuid.uuid4().hex}"
    soon = await create_session(room.teacher, room.program, 901, 4501)
    early = await create_session(room.teacher, room.program, 7201, 10_801)
    await told(database, student, "live.reminder", "live.soon")
    # Moved, it is reminded of anew, and the reminder of the former beginning is gone.
    moved = {"starts_at": at(20_000), "ends_at": at(23_600)}
    done(await room.teacher.patch(early, json=moved, headers=ANY))
    await told(database, student, "live.moved", "live.soon")
    done(await room.teacher.post(f"{early}/cancel"))
    await told(database, student, "live.cancelled", "live.soon")

    async def lobby() -> bool:
        return bool(done(await room.teacher.get(soon))["state"] == "lobby")

    await eventually(lobby)
    done(await room.teacher.post(f"{soon}/start"))
    await told(database, student, "live.cancelled", "live.soon", "live.started")
    await told(database, stranger)


async def test_work_is_told_of_from_its_publication_to_the_certificate(
    node: Running, room: Classroom, database: asyncpg.Pool
) -> None:
    student = room.students[0]
    due = later(hours=3)
    work = await room.assignment(due=due)
    due_at = work["due"]["moment"] if "moment" in work["due"] else work["due"]["at"]

    async def published() -> bool:
        return bool(await database.fetch(KINDS, student))

    await eventually(published)
    assert await handled(database, "assignments.tell_published")
    program = room.program
    for event in (
        DueSoon(work["id"], program, student, due_at),
        GradeReleased(work["id"], program, "s", uuid.uuid4().hex, (student,), "7.00", "10.00"),
        ExtensionGranted(work["id"], program, student, due_at),
    ):
        await publish(node, database, AssignmentsModule, event)
    await told(database, student, "assignments.due", "assignments.extended", "assignments.graded")
    id = uuid.uuid4().hex
    await database.execute(
        "INSERT INTO assignments_certificate (id, code, program_id, user_id, name, program_title, issued_at)"
        " VALUES ($1, $1, $2, $3, 'Sanjay', 'Algebra', now())", id, program, student,
    )  # fmt: skip
    for issued in (id, "none"):
        await publish(node, database, AssignmentsModule, CertificateIssued(issued, program, student))
    rest = ("assignments.due", "assignments.extended", "assignments.graded")
    await told(database, student, "assignments.certificate", *rest)
    await publish(node, database, AssignmentsModule, CertificateRevoked(id, program, student))
    await told(database, student, *rest)


async def test_payments_are_told_to_student_and_buyer_once(
    node: Running, room: Classroom, database: asyncpg.Pool
) -> None:
    student, buyer, order = f"s-{uuid.uuid4().hex}", f"b-{uuid.uuid4().hex}", uuid.uuid4().hex
    now = clock.now()
    columns = {
        "id": order, "user_id": student, "buyer_id": buyer, "program_id": room.program, "title": "Algebra",
        "state": "open", "currency": "INR", "price": 50_000, "discount": 0, "amount": 50_000, "taxable": 42_373,
        "cgst": 0, "sgst": 0, "igst": 7_627, "tax_rate": 18, "place_of_supply": "29", "billing_name": "",
        "billing_address": "", "gstin": "", "coupon_code": "", "receipt": f"o-{order}", "refunded": 0,
        "expires_at": now + timedelta(hours=1), "created_at": now, "rev": 1,
    }  # fmt: skip
    values = ", ".join(f"${number}" for number, _ in enumerate(columns, 1))
    await database.execute(f"INSERT INTO payments_order ({', '.join(columns)}) VALUES ({values})", *columns.values())
    failed = PaymentFailed("p1", room.program, student, order)
    await publish(node, database, PaymentsModule, failed)
    await told(database, student, "payments.failed")
    captured = PaymentCaptured("p2", room.program, student, order, 50_000, "INR")
    for event in (captured, captured, PaymentRefunded("p2", room.program, student, order, "r1", 50_000, "INR")):
        await publish(node, database, PaymentsModule, event)
    # Paid by another try, nobody hears of the one that failed any more.
    for user in (student, buyer):
        await told(database, user, "payments.confirmed", "payments.refunded")


async def test_an_announcement_is_told_to_its_audience_until_it_is_withdrawn(
    node: Running, room: Classroom, caller: Caller, database: asyncpg.Pool
) -> None:
    admin, student = caller(f"a-{uuid.uuid4().hex}", "admin"), room.students[0]
    new = {"audience": f"program:{room.program}", "title": "No class on Friday"}
    made = done(await admin.post("/api/v1/announcements", json=new), 201)
    await told(database, student, "announcements.published")
    done(await admin.post(f"/api/v1/announcements/{made['id']}/withdraw"))
    everybody = done(await admin.post("/api/v1/announcements", json={"audience": "all", "title": "Hello"}), 201)

    async def only_the_second() -> bool:
        subjects = "SELECT subject FROM notify_notification WHERE user_id = $1 AND withdrawn_at IS NULL"
        rows = await database.fetch(subjects, student)
        return [row["subject"] for row in rows] == [everybody["id"]]

    await eventually(only_the_second)
