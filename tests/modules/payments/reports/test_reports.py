"""Reports for admins: who reads them, what they show, in pages and in files."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import asyncpg
import httpx
import openpyxl
import pytest

from gateway import clock
from gateway.identifier import new_id
from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from modules.payments.invoices.numbering import INDIA
from modules.payments.ledger.ledger import Ledger
from modules.payments.ledger.parts import Parts
from tests.modules.payments.bookkeeping import WHOLE, credited, invoiced, issuing, paid_order, refund, seller

REPORTS = "/api/v1/payments/reports"
NAMES = ("ledger", "balances", "settlements", "invoices?month=2026-04", "gst?month=2026-04")


@pytest.fixture
def admin(caller: Caller) -> httpx.AsyncClient:
    return caller("boss", "admin")


def month() -> str:
    return clock.now().astimezone(INDIA).strftime("%Y-%m")


def csv_rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def posted(node: Running, *, orders: int = 1) -> str:
    """Post captures and refunds of one order id; gives the id."""
    order = new_id()
    ledger = Ledger(node.gateway.database)
    async with node.gateway.database.transaction():
        for _ in range(orders):
            await ledger.capture(new_id(), WHOLE, "INR", order_id=order)
    return order


@pytest.mark.parametrize("name", NAMES)
async def test_only_admins_read_reports(node: Running, caller: Caller, admin: httpx.AsyncClient, name: str) -> None:
    assert (await admin.get(f"{REPORTS}/{name}")).status_code == 200
    for role in ("student", "mentor"):
        refused(await caller("ann", role).get(f"{REPORTS}/{name}"), 403, "forbidden")
    refused(await caller().get(f"{REPORTS}/{name}"), 401, "unauthenticated")


async def test_the_ledger_in_pages_and_files(node: Running, admin: httpx.AsyncClient) -> None:
    order = await posted(node, orders=3)
    entries: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = done(await admin.get(f"{REPORTS}/ledger", params={"order": order, "limit": "5"} | cursor))
        entries += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(entries) == len({(one["transaction_id"], one["account"]) for one in entries}) == 12
    assert sum(one["amount"] for one in entries) == 0
    only = done(await admin.get(f"{REPORTS}/ledger", params={"order": order, "account": "receivable"}))
    assert [one["amount"] for one in only["items"]] == [118_00] * 3

    rows = csv_rows(await admin.get(f"{REPORTS}/ledger", params={"order": order, "format": "csv"}))
    assert [(row["transaction_id"], row["account"]) for row in rows] == [
        (one["transaction_id"], one["account"]) for one in entries
    ]
    assert {row["amount"] for row in rows} == {"118.00", "-100.00", "-9.00"}

    answer = await admin.get(f"{REPORTS}/ledger", params={"order": order, "format": "xlsx"})
    assert answer.headers["content-disposition"] == 'attachment; filename="ledger.xlsx"'
    sheet = (await asyncio.to_thread(openpyxl.load_workbook, io.BytesIO(answer.content))).active
    assert sheet is not None
    table = list(sheet.iter_rows(values_only=True))
    assert table[0][-2:] == ("currency", "amount")
    assert sorted(row[-1] for row in table[1:]) == sorted([118, -100, -9, -9] * 3)


async def test_times_bound_a_report(node: Running, admin: httpx.AsyncClient) -> None:
    before = clock.now()
    order = await posted(node)
    after = clock.now()
    for times, count in (({"since": after}, 0), ({"until": before}, 0), ({"since": before, "until": after}, 4)):
        params = {"order": order} | {name: moment.isoformat() for name, moment in times.items()}
        assert len(done(await admin.get(f"{REPORTS}/ledger", params=params))["items"]) == count
    for wrong in ("yesterday", "0.5", "2026-02-30T00:00:00Z"):
        refused(await admin.get(f"{REPORTS}/ledger", params={"since": wrong}), 400, "invalid")
    assert done(await admin.get(f"{REPORTS}/gst", params={"month": "9999-12"}))["lines"] == []


async def test_the_trial_balance_sums_to_zero(node: Running, admin: httpx.AsyncClient) -> None:
    await posted(node)
    found = done(await admin.get(f"{REPORTS}/balances"))
    assert found["unbalanced"] == 0
    assert sum(one["closing"] for one in found["accounts"] if one["currency"] == "INR") == 0
    rows = csv_rows(await admin.get(f"{REPORTS}/balances", params={"format": "csv"}))
    assert {"receivable", "revenue", "gst_cgst"} <= {row["account"] for row in rows}


async def test_settlements(node: Running, admin: httpx.AsyncClient) -> None:
    since, names = clock.now(), [f"setl_{new_id()}" for _ in range(3)]
    async with node.gateway.database.transaction():
        for name in names:
            assert await Ledger(node.gateway.database).settle(name, 115_22, "INR")
    params = {"since": since.isoformat(), "limit": "2"}
    first = done(await admin.get(f"{REPORTS}/settlements", params=params))
    second = done(await admin.get(f"{REPORTS}/settlements", params=params | {"cursor": first["next"]}))
    assert [one["settlement_id"] for one in first["items"] + second["items"]] == names
    rows = csv_rows(await admin.get(f"{REPORTS}/settlements", params={"since": since.isoformat(), "format": "csv"}))
    assert [(row["settlement_id"], row["amount"]) for row in rows] == [(name, "115.22") for name in names]


async def test_gst_of_a_month_by_rate_and_place(
    node: Running, database: asyncpg.Pool, admin: httpx.AsyncClient
) -> None:
    # A place that no other test sells to: all share the books.
    place, invoices = "11", issuing(node, seller())
    igst = Parts(100_00, igst=18_00)
    business = "11AAPFU0939F1ZZ"
    for gstin in ("", "", business):
        order = await paid_order(database, place_of_supply=place, parts=igst, gstin=gstin, title="=1+1")
        await invoiced(node, invoices, order)
    await credited(node, invoices, order, await refund(node, database, order, 0, 118_00))
    lines = done(await admin.get(f"{REPORTS}/gst", params={"month": month()}))["lines"]
    assert [
        (line["kind"], line["business"], line["documents"], line["taxable"], line["igst"], line["total"])
        for line in lines
        if line["place_of_supply"] == place
    ] == [
        ("credit_note", True, 1, -100_00, -18_00, -118_00),
        ("tax_invoice", False, 2, 200_00, 36_00, 236_00),
        ("tax_invoice", True, 1, 100_00, 18_00, 118_00),
    ]
    rows = csv_rows(await admin.get(f"{REPORTS}/gst", params={"month": month(), "format": "csv"}))
    assert ("2", "36.00") in {(row["documents"], row["igst"]) for row in rows if row["place_of_supply"] == place}

    rows = csv_rows(await admin.get(f"{REPORTS}/invoices", params={"month": month(), "format": "csv"}))
    assert len([row for row in rows if row["place_of_supply"] == place]) == 4
    assert {row["title"] for row in rows if row["place_of_supply"] == place} == {"'=1+1"}
    assert done(await admin.get(f"{REPORTS}/invoices", params={"month": "2020-01"}))["items"] == []
    assert done(await admin.get(f"{REPORTS}/gst", params={"month": "2020-01"}))["lines"] == []


@pytest.mark.parametrize("wrong", ["2026-13", "2026", "0000-01", "2026-04-01"])
async def test_a_month_that_is_none(node: Running, admin: httpx.AsyncClient, wrong: str) -> None:
    refused(await admin.get(f"{REPORTS}/gst", params={"month": wrong}), 400, "invalid")
    refused(await admin.get(f"{REPORTS}/invoices", params={"month": wrong, "format": "csv"}), 400, "invalid")


async def test_a_report_has_a_limit_of_rows(gateway: MakeGateway, caller: Caller, admin: httpx.AsyncClient) -> None:
    async with gateway(environ={"KSMP_PAYMENTS_REPORT_ROWS": "5"}) as small:
        order = await posted(small, orders=2)
        headers = {"Authorization": admin.headers["authorization"]}
        async with httpx.AsyncClient(base_url=small.url, headers=headers) as client:
            for format in ("csv", "xlsx"):
                params = {"order": order, "format": format}
                refused(await client.get(f"{REPORTS}/ledger", params=params), 400, "invalid")
            assert (await client.get(f"{REPORTS}/ledger", params={"order": order})).status_code == 200


async def test_fifty_thousand_rows_and_others_are_answered(
    node: Running, database: asyncpg.Pool, admin: httpx.AsyncClient
) -> None:
    order = new_id()
    async with database.acquire() as connection, connection.transaction():
        # Without the triggers, which would look at each of them.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "INSERT INTO payments_ledger_transaction (id, kind, reference, order_id, posted_at) "
            "SELECT $1 || '-' || lpad(n::text, 6, '0'), 'test', $1 || '-' || n, $1, now() "
            "FROM generate_series(1, 25000) AS n",
            order,
        )
        await connection.execute(
            "INSERT INTO payments_ledger_entry (transaction_id, account, currency, amount) "
            "SELECT $1 || '-' || lpad(n::text, 6, '0'), account, 'INR', amount FROM generate_series(1, 25000) AS n, "
            "(VALUES ('bank', 5), ('receivable', -5)) AS entries (account, amount)",
            order,
        )
    # As autovacuum does in time. Without statistics of rows that came all at once, PostgreSQL may join them one by one.
    await database.execute("ANALYZE payments_ledger_transaction, payments_ledger_entry")
    slowest = 0.0

    async def others() -> None:
        nonlocal slowest
        while True:
            begun = asyncio.get_running_loop().time()
            assert (await admin.get("/health/live")).status_code == 200
            slowest = max(slowest, asyncio.get_running_loop().time() - begun)

    asking = asyncio.create_task(others())
    rows = csv_rows(await admin.get(f"{REPORTS}/ledger", params={"order": order, "format": "csv"}, timeout=60))
    asking.cancel()
    assert len(rows) == 50_000
    assert slowest < 1.0
