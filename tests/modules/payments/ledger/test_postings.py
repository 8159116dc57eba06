"""Entries sum to zero, and any sequence of refunds ends where one computation of all of them ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.payments.ledger import postings
from modules.payments.ledger.gst import split
from modules.payments.ledger.parts import Parts, refunded_parts
from modules.payments.ledger.postings import Account, Entries

AMOUNTS = st.integers(0, 10**12)
RATES = st.sampled_from([Decimal(rate) for rate in ("0", "0.25", "3", "5", "12", "18", "28", "40")])
PLACES = st.sampled_from(["27", "29", "96"])


def balances(posted: Iterable[Entries]) -> Counter[Account]:
    total: Counter[Account] = Counter()
    for entries in posted:
        total.update({entry.account: entry.amount for entry in entries})
    return total


@given(AMOUNTS, RATES, PLACES)
def test_the_parts_add_up_and_the_halves_are_equal(amount: int, rate: Decimal, place: str) -> None:
    parts = split(amount, rate, "27", place)
    assert parts.total == amount
    assert parts.taxable >= 0
    if place == "27":
        assert parts.cgst == parts.sgst
        assert parts.igst == 0
    else:
        assert parts.cgst == parts.sgst == 0
    # Exact within the one rounding of each tax.
    exact = amount * rate / (100 + rate)
    assert abs(parts.tax - exact) <= 1


@given(AMOUNTS, RATES, PLACES, AMOUNTS, AMOUNTS)
def test_each_posting_sums_to_zero(amount: int, rate: Decimal, place: str, share: int, fee: int) -> None:
    parts = split(amount, rate, "27", place)
    for entries in (
        postings.captured(parts, "INR", mentor_share=share),
        postings.refunded(parts, "INR", mentor_share=share),
        postings.fee(fee, fee * 18 // 118, "INR"),
        postings.settled(amount, "INR"),
        postings.disputed(amount, "INR"),
        postings.held(amount, "INR"),
        postings.reversed_(postings.captured(parts, "INR")),
    ):
        assert sum(entry.amount for entry in entries) == 0
        assert all(entry.amount for entry in entries)
        assert len({entry.account for entry in entries}) == len(entries)


@given(AMOUNTS.filter(bool), RATES, PLACES, st.data())
def test_partial_refunds_end_at_the_balances_of_their_sum(
    amount: int, rate: Decimal, place: str, data: st.DataObject
) -> None:
    whole = split(amount, rate, "27", place)
    posted = [postings.captured(whole, "INR")]
    before = 0
    steps = []
    while before < amount and len(steps) < 8:
        step = data.draw(st.integers(1, amount - before))
        posted.append(postings.refunded(refunded_parts(whole, before, step), "INR"))
        steps.append(step)
        before += step
    # A refund that fails afterwards, whichever it is, takes its amount off the sum again.
    failed = data.draw(st.sampled_from([0, *steps]))
    before -= failed
    posted.append(postings.reversed_(postings.refunded(refunded_parts(whole, before, failed), "INR")))

    at_once = refunded_parts(whole, 0, before)
    expected = balances([postings.captured(whole, "INR"), postings.refunded(at_once, "INR")])
    assert +balances(posted) == +expected
    assert -balances(posted) == -expected
    if before == amount:
        assert at_once == whole


def test_a_full_refund_leaves_revenue_and_refunds_that_cancel_out() -> None:
    whole = split(118_00, Decimal(18), "27", "27")
    assert whole == Parts(100_00, cgst=9_00, sgst=9_00)
    held = balances([postings.captured(whole, "INR"), postings.refunded(whole, "INR")])
    assert held[Account.REVENUE] == -100_00
    assert held[Account.REFUNDS] == 100_00
    assert not any(held[account] for account in Account if account not in {Account.REVENUE, Account.REFUNDS})


def test_more_than_the_order_is_no_refund() -> None:
    with pytest.raises(ValueError, match="no refund"):
        refunded_parts(Parts(100), 60, 41)
