"""Compares the vendor's settlements with our rows, line by line, and posts them to the books.

A day is a date in India. It is compared on several days in a row, because lines may come late: done again, everything
comes to the same. First what our rows lack is asked for and settled as any other message. What then still differs is
for an operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from modules.payments.checkout.settlement import Settlement
from modules.payments.events import SettlementDue
from modules.payments.ledger.ledger import Ledger
from modules.payments.reconciliation import metrics
from modules.payments.reconciliation.differences import Differences
from modules.payments.reconciliation.settlement_repository import SettlementRepository
from modules.payments.settings import ReconciliationSettings
from modules.payments.states import RefundState
from modules.payments.vendor.entities import VendorSettlement, VendorSettlementItem
from modules.payments.vendor.outcomes import NotFound
from modules.payments.vendor.razorpay import Razorpay
from modules.payments.webhooks.envelope import Envelope
from modules.payments.webhooks.handler import entity_of

log = structlog.get_logger(__name__)

INDIA: Final = ZoneInfo("Asia/Kolkata")
# Razorpay settles in rupees, whatever was paid in.
CURRENCY: Final = "INR"
# How far back payments are looked for that no settlement has.
REACH: Final = timedelta(days=90)


class Compared(msgspec.Struct, frozen=True):
    """What a comparison has come to."""

    lines: int = 0
    settlements: int = 0
    healed: int = 0
    differences: int = 0

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.lines + other.lines,
            self.settlements + other.settlements,
            self.healed + other.healed,
            self.differences + other.differences,
        )


class SettlementComparison:
    """Without a `razorpay` there is nobody to ask."""

    def __init__(
        self,
        kernel: Kernel,
        settings: ReconciliationSettings,
        razorpay: Razorpay | None,
        settlement: Settlement,
        ledger: Ledger,
    ) -> None:
        self._kernel = kernel
        self._razorpay = razorpay
        self._settlement = settlement
        self._ledger = ledger
        self._due_after = timedelta(seconds=settings.settlement_due)
        self._rows = SettlementRepository(kernel.database)
        self._differences = Differences(kernel.database)
        # By the names of Razorpay's webhooks.
        self.webhooks = {"settlement.processed": self._processed}

    @listener(SettlementDue, "payments.compare_settlements", transactional=False)
    async def compare_settlements(self, due: SettlementDue, delivery: Delivery) -> None:
        await self.compare(date.fromisoformat(due.day))

    async def compare(self, day: date) -> Compared:
        """Compare what was settled on a day. Raises Unavailable."""
        if self._razorpay is None:
            return Compared()
        begin = datetime.combine(day, time(), INDIA)
        settlements = await self._razorpay.settlements(begin, begin + timedelta(days=1, seconds=-1))
        lines = [line for line in await self._razorpay.settlement_items(day) if line.settled and line.settlement_id]
        healed = differences = 0
        for line in lines:
            healed += await self._heal(self._razorpay, line)
            differences += await self._compare_line(line)
        for made in settlements:
            own = [line for line in lines if line.settlement_id == made.id]
            differences += await self._compare_settlement(made, day, own)
        for strange in {line.settlement_id for line in lines} - {made.id for made in settlements}:
            detail = "lines name a settlement that is not listed"
            differences += await self._differ("settlement_unknown", strange or "", detail)
        await self._rows.compared(day, clock.now())
        return Compared(len(lines), len(settlements), healed, differences)

    async def missing(self, now: datetime) -> int:
        """Note captured payments that no settlement has after all that time; how many are new."""
        found = 0
        for payment in await self._rows.unsettled(now - self._due_after, REACH):
            found += await self._differ(
                "not_settled",
                payment.id,
                "a captured payment is in no settlement",
                ours=f"{payment.amount} {payment.currency}",
                order_id=payment.order_id,
            )
        return found

    async def _processed(self, envelope: Envelope) -> None:
        """A webhook says that a settlement was made: its day is compared now, and later again."""
        made = entity_of(envelope, "settlement", VendorSettlement)
        if made is not None:
            day = made.created_at.astimezone(INDIA).date()
            await self._kernel.events.publish(SettlementDue(day.isoformat()))

    async def _heal(self, razorpay: Razorpay, line: VendorSettlementItem) -> bool:
        """Ask for what our rows lack of a payment or a refund, and settle by the answer. Whether they have it now."""
        try:
            if line.type == "payment":
                healed = await self._heal_payment(razorpay, line)
            elif line.type == "refund":
                healed = await self._heal_refund(razorpay, line)
            else:
                healed = await self._heal_adjustment(razorpay, line)
        except NotFound:
            return False
        if healed:
            metrics.heals.labels(line.type).inc()
            log.info("reconciliation.settled_healed", what=line.type, subject=line.entity_id)
        return healed

    async def _heal_payment(self, razorpay: Razorpay, line: VendorSettlementItem) -> bool:
        before = await self._rows.payment(line.entity_id)
        if before is not None and before.order_id is not None and before.captured and before.fee is not None:
            return False
        told = await razorpay.payment(line.entity_id)
        async with self._kernel.database.transaction():
            await self._settlement.apply_payment(told, receipt=line.order_receipt or "")
        after = await self._rows.payment(line.entity_id)
        return after is not None and after.order_id is not None and after != before

    async def _heal_refund(self, razorpay: Razorpay, line: VendorSettlementItem) -> bool:
        before = await self._rows.refund(line.entity_id)
        if before is not None and before.state == RefundState.PROCESSED:
            return False
        told = await razorpay.refund_by_id(line.entity_id)
        async with self._kernel.database.transaction():
            await self._settlement.apply_refund(told)
        return await self._rows.refund(line.entity_id) != before

    async def _heal_adjustment(self, razorpay: Razorpay, line: VendorSettlementItem) -> bool:
        """The money of a refund that failed comes back as an adjustment."""
        if line.payment_id is None or line.credit == 0 or await self._rows.failed_refund(line.payment_id, line.credit):
            return False
        refunds = await razorpay.refunds_of_payment(line.payment_id)
        async with self._kernel.database.transaction():
            for refund in refunds:
                await self._settlement.apply_refund(refund)
        return await self._rows.failed_refund(line.payment_id, line.credit)

    async def _compare_line(self, line: VendorSettlementItem) -> int:
        """Compare a line with our row of it, and keep it. How many differences are new."""
        metrics.compared.labels("settled").inc()
        if line.type == "payment":
            return await self._compare_payment(line)
        if line.type == "refund":
            return await self._compare_refund(line)
        await self._rows.write_item(line, None, clock.now())
        if line.dispute_id is not None:
            known = await self._rows.dispute_is_posted(line.dispute_id)
        else:
            known = line.payment_id is not None and await self._rows.failed_refund(line.payment_id, line.credit)
        detail = "the books say nothing of this line of a settlement"
        value = f"{line.type} {line.credit - line.debit} {line.currency}"
        return await self._same("settled_adjustment", line.entity_id, detail, "" if not known else value, value, None)

    async def _compare_payment(self, line: VendorSettlementItem) -> int:
        row, id = await self._rows.payment(line.entity_id), line.entity_id
        order = row.order_id if row is not None else None
        await self._rows.write_item(line, order, clock.now())
        await self._differences.agree("not_settled", id)
        value = f"{line.amount} {line.currency}"
        if row is None or not row.captured or order is None:
            ours = "" if row is None else f"captured: {row.captured}, order: {order}"
            detail = "a payment was settled of which no order is known"
            return await self._differ("settled_unknown", id, detail, ours, value)
        await self._differences.agree("settled_unknown", id)
        found = await self._same(
            "settled_amount", id, "another amount was settled", f"{row.amount} {row.currency}", value, order
        )
        for name, known, settled in (("fee", row.fee, line.fee), ("tax", row.tax, line.tax)):
            detail = f"Razorpay settled another {name} than it told of"
            found += await self._same(f"settled_{name}", id, detail, str(known), str(settled), order)
        return found

    async def _compare_refund(self, line: VendorSettlementItem) -> int:
        row = await self._rows.refund(line.entity_id)
        order = row.order_id if row is not None else None
        await self._rows.write_item(line, order, clock.now())
        ours = f"{row.amount} {row.currency}" if row is not None else ""
        detail = "another refund was settled than our rows have"
        return await self._same("settled_refund", line.entity_id, detail, ours, f"{line.amount} {line.currency}", order)

    async def _compare_settlement(
        self, made: VendorSettlement, day: date, lines: Sequence[VendorSettlementItem]
    ) -> int:
        """Post it, once it has reached the bank; its lines sum to it."""
        async with self._kernel.database.transaction():
            await self._rows.write(made, day, CURRENCY, clock.now())
            if made.status == "processed":
                await self._ledger.settle(made.id, made.amount, CURRENCY)
        total = sum(line.credit - line.debit for line in lines)
        detail = "the lines of a settlement do not sum to it"
        found = await self._same("settlement_total", made.id, detail, str(total), str(made.amount), None)
        if made.status == "failed":
            found += await self._differ("settlement_failed", made.id, "the bank did not take a settlement")
        return found

    async def _same(self, kind: str, subject: str, detail: str, ours: str, theirs: str, order_id: str | None) -> int:
        if ours != theirs:
            return await self._differ(kind, subject, detail, ours, theirs, order_id)
        await self._differences.agree(kind, subject)
        return 0

    async def _differ(
        self, kind: str, subject: str, detail: str, ours: str = "", theirs: str = "", order_id: str | None = None
    ) -> int:
        return int(await self._differences.note(kind, subject, detail, ours=ours, theirs=theirs, order_id=order_id))
