"""Who reads invoices and their PDFs, and has them sent again."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import asyncpg
import pytest

from gateway.contract import Delivery, Module, listener
from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from modules.payments.events import InvoiceIssued
from tests.modules.payments.bookkeeping import credited, invoiced, issuing, paid_order, refund, seller

INVOICES = "/api/v1/payments/invoices"


class Sender(Module):
    """Sends invoices, as a module of notifications would."""

    name = "sender"
    requires = ("payments",)
    heard: ClassVar[list[InvoiceIssued]] = []

    @listener(InvoiceIssued, "sender.issued")
    async def hear(self, event: InvoiceIssued, delivery: Delivery) -> None:
        self.heard.append(event)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> Any:
    async with gateway(more=[Sender], environ={"KSMP_PAYMENTS_INVOICE_RESEND_COUNT": "2"}) as running:
        yield running


@pytest.fixture
def users() -> list[str]:
    return [f"{name}-{uuid.uuid4().hex[:12]}" for name in ("student", "payer", "stranger")]


async def test_the_student_the_payer_and_admins_read_and_others_do_not(
    node: Running, database: asyncpg.Pool, caller: Caller, users: list[str]
) -> None:
    student, payer, stranger = users
    order = await paid_order(database, user_id=student, buyer_id=payer)
    of = issuing(node, seller())
    invoice = await invoiced(node, of, order)
    note = await credited(node, of, order, await refund(node, database, order, 0, 18_00))
    assert invoice is not None
    assert note is not None

    for who in (student, payer):
        page = done(await caller(who).get(f"{INVOICES}/"))
        assert [item["number"] for item in page["items"]] == [note.number, invoice.number]
    assert done(await caller(stranger).get(f"{INVOICES}/"))["items"] == []

    path = f"{INVOICES}/{invoice.id}"
    for one in (caller(student), caller(payer), caller("boss", "admin")):
        assert done(await one.get(path))["total"] == 118_00
        assert (await one.get(f"{path}/pdf")).status_code == 200
    for one in (caller(stranger), caller("mentor", "mentor")):
        for asked in (one.get(path), one.get(f"{path}/pdf"), one.post(f"{path}/resend")):
            refused(await asked, 403, "forbidden")
    for asked in (caller().get(path), caller().get(f"{INVOICES}/"), caller().post(f"{path}/resend")):
        refused(await asked, 401, "unauthenticated")
    refused(await caller("boss", "admin").get(f"{INVOICES}/{uuid.uuid4()}"), 404, "not_found")


async def test_the_pdf_is_kept_and_stays_the_same(
    node: Running, database: asyncpg.Pool, caller: Caller, users: list[str]
) -> None:
    student = users[0]
    invoice = await invoiced(node, issuing(node, seller()), await paid_order(database, user_id=student))
    assert invoice is not None
    path = f"{INVOICES}/{invoice.id}/pdf"
    first = await caller(student).get(path)
    assert first.headers["content-type"] == "application/pdf"
    name = invoice.number.replace("/", "-")
    assert first.headers["content-disposition"] == f'attachment; filename="{name}-en.pdf"'
    assert first.content.startswith(b"%PDF-")
    hindi = await caller(student).get(path, params={"lang": "hi"})
    assert hindi.content != first.content
    assert (await caller(student).get(path)).content == first.content
    kept = await database.fetchval(
        "SELECT body FROM payments_invoice_document WHERE invoice_id = $1 AND language = 'en'", invoice.id
    )
    assert kept == first.content
    refused(await caller(student).get(path, params={"lang": "fr"}), 400, "invalid")


async def test_an_invoice_is_sent_again_and_not_too_often(
    node: Running, database: asyncpg.Pool, caller: Caller, users: list[str]
) -> None:
    student, payer, _ = users
    order = await paid_order(database, user_id=student, buyer_id=payer)
    invoice = await invoiced(node, issuing(node, seller()), order)
    assert invoice is not None
    path = f"{INVOICES}/{invoice.id}/resend"
    for _ in range(2):
        assert (await caller(payer).post(path)).status_code == 204
    refused(await caller(payer).post(path), 429, "rate_limited")
    await node.events_handled("sender.issued")
    heard = [event for event in Sender.heard if event.invoice_id == invoice.id]
    assert sorted(event.resent for event in heard) == [False, True, True]
    assert {(event.number, event.user_id, event.buyer_id) for event in heard} == {(invoice.number, student, payer)}
