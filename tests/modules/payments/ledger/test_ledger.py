"""The ledger in PostgreSQL: what is posted sums to zero, is posted once, and never changes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.identifier import new_id
from ksmp_testkit import Running
from modules.payments.ledger import metrics
from modules.payments.ledger.ledger import Ledger
from modules.payments.ledger.parts import Parts
from modules.payments.ledger.postings import Account, Entry, PostingKind
from modules.payments.ledger.repository import LedgerRepository

WHOLE = Parts(100_00, cgst=9_00, sgst=9_00)

TRANSACTION = "INSERT INTO payments_ledger_transaction (id, kind, reference, posted_at) VALUES ($1, 'test', $1, now())"
ENTRY = "INSERT INTO payments_ledger_entry VALUES ($1, $2, 'INR', $3)"


@pytest.fixture
def ledger(node: Running) -> Ledger:
    return Ledger(node.gateway.database)


async def posted(database: asyncpg.Pool[Any]) -> str:
    id = new_id()
    await commit(database, (TRANSACTION, id), (ENTRY, id, "bank", 5), (ENTRY, id, "receivable", -5))
    return id


async def test_an_order_and_its_refunds_and_fee_are_in_the_trial_balance(node: Running, ledger: Ledger) -> None:
    order, payment, currency = new_id(), new_id(), new_currency()
    since = clock.now()
    async with node.gateway.database.transaction():
        assert await ledger.capture(payment, WHOLE, currency, order_id=order)
        assert await ledger.fee(payment, 2_36, 36, currency, order_id=order)
        assert await ledger.refund(new_id(), WHOLE, 0, 59_00, currency, order_id=order)
        assert await ledger.settle(new_id(), 50_00, currency)
    rows = {row.account: row for row in await ledger.balances(since) if row.currency == currency}
    assert {name: row.closing for name, row in rows.items()} == {
        "bank": 50_00,
        "gst_cgst": -4_50,
        "gst_sgst": -4_50,
        "receivable": 118_00 - 2_36 - 59_00 - 50_00,
        "refunds": 50_00,
        "revenue": -100_00,
        "vendor_fees": 2_00,
        "vendor_tax": 36,
    }
    assert (rows["receivable"].debits, rows["receivable"].credits) == (118_00, 2_36 + 59_00 + 50_00)
    assert sum(row.closing for row in rows.values()) == 0
    # What was before a time is its opening balance.
    after = await ledger.balances(clock.now() + timedelta(hours=1))
    later = {row.account: row for row in after if row.currency == currency}
    assert later["bank"].opening == later["bank"].closing == 50_00
    assert later["bank"].debits == 0
    assert not [row for row in await ledger.balances(until=since) if row.currency == currency]


def new_currency() -> str:
    """Letters that no other test posts in: all share the books."""
    return "T" + new_id()[-8:].upper()


async def test_what_was_posted_is_not_posted_again(node: Running, ledger: Ledger) -> None:
    order, payment, currency = new_id(), new_id(), new_currency()

    async def capture() -> bool:
        async with node.gateway.database.transaction():
            return await ledger.capture(payment, WHOLE, currency, order_id=order)

    assert sorted(await asyncio.gather(*(capture() for _ in range(8)))) == [False] * 7 + [True]
    (row,) = [row for row in await ledger.balances() if (row.account, row.currency) == ("receivable", currency)]
    assert row.closing == 118_00


async def test_the_mentors_share_comes_and_goes_with_the_money(node: Running) -> None:
    ledger = Ledger(node.gateway.database, mentor_share=33.33)
    order, currency = new_id(), new_currency()
    async with node.gateway.database.transaction():
        await ledger.capture(new_id(), WHOLE, currency, order_id=order)
    # The setting may change in between: what was posted for this order goes back.
    other = Ledger(node.gateway.database, mentor_share=50)
    async with node.gateway.database.transaction():
        for before, amount in ((0, 33_33), (33_33, 33_33), (66_66, 51_34)):
            await other.refund(new_id(), WHOLE, before, amount, currency, order_id=order)
    held = {row.account: (row.debits, row.closing) for row in await ledger.balances() if row.currency == currency}
    assert held["mentor_costs"] == (33_33, 0)
    assert held["payouts_due"][1] == 0
    assert held["gst_cgst"][1] == held["gst_sgst"][1] == 0


async def test_a_refund_that_failed_afterwards_is_reversed(node: Running, ledger: Ledger) -> None:
    order, refund, currency = new_id(), new_id(), new_currency()
    async with node.gateway.database.transaction():
        await ledger.capture(new_id(), WHOLE, currency, order_id=order)
        await ledger.refund(refund, WHOLE, 0, 10_01, currency, order_id=order)
        await ledger.refund(new_id(), WHOLE, 10_01, 7_77, currency, order_id=order)
        assert await ledger.refund_failed(refund, WHOLE, 7_77, 10_01, currency, order_id=order)
        assert not await ledger.refund_failed(refund, WHOLE, 7_77, 10_01, currency, order_id=order)
    held = {row.account: row.closing for row in await ledger.balances() if row.currency == currency}
    assert held["receivable"] == 118_00 - 7_77


async def test_nothing_is_posted_of_an_order_of_zero(node: Running, ledger: Ledger) -> None:
    async with node.gateway.database.transaction():
        assert not await ledger.capture(new_id(), Parts(0), "INR", order_id=new_id())


async def test_posting_needs_a_transaction_and_entries_that_sum_to_zero(node: Running, ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="outside of a transaction"):
        await ledger.settle(new_id(), 5, "INR")
    async with node.gateway.database.transaction():
        with pytest.raises(ValueError, match="off by 5 INR"):
            await ledger.post(PostingKind.SETTLEMENT, new_id(), [Entry(Account.BANK, "INR", 5)])


async def test_the_database_takes_no_transaction_that_does_not_sum_to_zero(node: Running) -> None:
    rows, reference = LedgerRepository(node.gateway.database), new_id()
    entries = [Entry(Account.BANK, "INR", 5), Entry(Account.RECEIVABLE, "INR", -4)]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="does not sum to zero"):
        async with node.gateway.database.transaction():
            await rows.add(new_id(), PostingKind.SETTLEMENT, reference, None, clock.now(), entries)
    assert await rows.posted(PostingKind.SETTLEMENT, reference) == []


async def commit(database: asyncpg.Pool[Any], *statements: tuple[Any, ...]) -> None:
    """Run statements with their arguments in one transaction."""
    async with database.acquire() as connection, connection.transaction():
        for statement, *arguments in statements:
            await connection.execute(statement, *arguments)


def unbalanced() -> Any:
    return pytest.raises(asyncpg.IntegrityConstraintViolationError, match="does not sum to zero")


@pytest.mark.parametrize("entries", [[], [("bank", 5)], [("bank", 5), ("receivable", -4)]])
async def test_what_does_not_sum_to_zero_is_not_committed(
    database: asyncpg.Pool[Any], entries: list[tuple[str, int]]
) -> None:
    id = new_id()
    with unbalanced():
        await commit(database, (TRANSACTION, id), *((ENTRY, id, account, amount) for account, amount in entries))
    assert await database.fetchval("SELECT count(*) FROM payments_ledger_transaction WHERE id = $1", id) == 0


async def test_two_currencies_do_not_make_up_for_each_other(database: asyncpg.Pool[Any]) -> None:
    id = new_id()
    dollars = "INSERT INTO payments_ledger_entry VALUES ($1, 'bank', 'USD', -5)"
    with unbalanced():
        await commit(database, (TRANSACTION, id), (ENTRY, id, "bank", 5), (dollars, id))


async def test_constraints_that_were_fired_early_do_not_let_more_in(database: asyncpg.Pool[Any]) -> None:
    id = new_id()
    with unbalanced():
        await commit(
            database,
            (TRANSACTION, id),
            (ENTRY, id, "bank", 5),
            (ENTRY, id, "receivable", -5),
            ("SET CONSTRAINTS ALL IMMEDIATE",),
            ("SET CONSTRAINTS ALL DEFERRED",),
            (ENTRY, id, "revenue", 7),
        )


async def test_a_savepoint_may_stand_between_a_transaction_and_its_entries(database: asyncpg.Pool[Any]) -> None:
    id = new_id()
    async with database.acquire() as connection, connection.transaction():
        async with connection.transaction():
            await connection.execute(TRANSACTION, id)
        await connection.execute(ENTRY, id, "bank", 5)
        async with connection.transaction():
            await connection.execute(ENTRY, id, "receivable", -5)


async def test_an_entry_is_not_added_later(database: asyncpg.Pool[Any]) -> None:
    id = await posted(database)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is closed"):
        await commit(database, (ENTRY, id, "revenue", 7), (ENTRY, id, "refunds", -7))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_ledger_entry SET amount = -amount WHERE transaction_id = '{id}'",
        "UPDATE payments_ledger_transaction SET reference = 'x' WHERE id = '{id}'",
        "DELETE FROM payments_ledger_entry WHERE transaction_id = '{id}'",
        "DELETE FROM payments_ledger_transaction WHERE id = '{id}'",
        "TRUNCATE payments_ledger_entry",
        "TRUNCATE payments_ledger_transaction CASCADE",
    ],
)
async def test_rows_are_never_changed(database: asyncpg.Pool[Any], change: str) -> None:
    id = await posted(database)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
        await database.execute(change.format(id=id))
    entries = "SELECT account, amount FROM payments_ledger_entry WHERE transaction_id = $1 ORDER BY account"
    assert [tuple(row) for row in await database.fetch(entries, id)] == [("bank", 5), ("receivable", -5)]


async def test_an_imbalance_is_counted_and_shown(node: Running, ledger: Ledger, database: asyncpg.Pool[Any]) -> None:
    assert await ledger.imbalance() == 0
    assert metrics.imbalance._value.get() == 0
    # Somebody with the rights of the owner turns the triggers off; the count still tells. It is undone by the rollback.
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        id = new_id()
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(TRANSACTION, id)
        await connection.execute(ENTRY, id, "bank", 5)

        class Here:
            in_transaction = True

            async def fetch(self, statement: str, *arguments: Any) -> Any:
                return await connection.fetch(statement, *arguments)

        # A transaction without entries is none either.
        await connection.execute(TRANSACTION, new_id())
        assert await Ledger(Here()).imbalance() == 2  # type: ignore[arg-type]
        assert metrics.imbalance._value.get() == 2
        await transaction.rollback()
    assert await ledger.imbalance() == 0
