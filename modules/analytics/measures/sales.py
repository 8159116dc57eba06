"""The business: enrolments, orders, payments and money. Money is read by admins alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modules.analytics.measures.cells import Cells
from modules.analytics.measures.counted import CountedMeasure
from modules.analytics.measures.funnel_repository import STEPS, FunnelRepository
from modules.analytics.measures.measure import ADMINS, TIME, Dimension, Measure, Parts, Result, Unit
from modules.analytics.measures.payment_repository import PaymentRepository
from modules.analytics.measures.reading import Reading
from modules.analytics.measures.spread import spread

ENROLMENT: Final = "programs.enrolment"
MADE: Final = "payments.order_made"
PAID: Final = "payments.order_paid"
ATTEMPTED: Final = "payments.order_attempted"
ATTEMPT: Final = "payments.attempt"
REVENUE: Final = "payments.revenue"
REFUND: Final = "payments.refund"
DISPUTED: Final = "payments.disputed"
VIEWED: Final = "catalogue.program_viewed"
WHERE: Final = (*TIME, Dimension.PROGRAM)


def _enrolments(cells: Cells) -> Parts:
    return Parts(cells.count(ENROLMENT))


def _views(cells: Cells) -> Parts:
    return Parts(cells.count(VIEWED))


def _orders(cells: Cells) -> Parts:
    return Parts(cells.count(MADE))


def _attempt_success(cells: Cells) -> Parts:
    return Parts(cells.count(ATTEMPT, "captured"), cells.count(ATTEMPT, "captured", "failed"))


def _revenue(cells: Cells) -> Parts:
    return Parts(cells.value(REVENUE))


def _refunds(cells: Cells) -> Parts:
    return Parts(cells.value(REFUND))


def _net_revenue(cells: Cells) -> Parts:
    return Parts(cells.value(REVENUE) - cells.value(REFUND) - cells.value(DISPUTED))


@dataclass(frozen=True, kw_only=True)
class FunnelMeasure(Measure):
    """Each step is a part of the one before it, so no share is above one."""

    async def read(self, reading: Reading) -> Result:
        rows = await FunnelRepository(reading.database).steps(reading)
        inside, before = (_steps(row) for row in rows)
        kind, ordered = reading.query.filters.kind, STEPS[0]
        shown = {step: {"": parts} for step, parts in inside.items() if kind in ("", step)}
        last = kind or STEPS[-1]
        nothing = Parts(0, 0)
        return Result(
            total={"": Parts(inside.get(last, nothing).numerator, inside[ordered].numerator)},
            previous={"": Parts(before.get(last, nothing).numerator, before[ordered].numerator)},
            groups=shown if reading.query.by is Dimension.KIND else {},
        )


@dataclass(frozen=True, kw_only=True)
class PaymentSuccessMeasure(Measure):
    """An order counts once, however many attempts it took."""

    async def read(self, reading: Reading) -> Result:
        return spread(await PaymentRepository(reading.database).tried(reading), reading.spans)


def _steps(numbers: dict[str, int]) -> dict[str, Parts]:
    """Each step of the first one: orders."""
    return {step: Parts(numbers[step], numbers[STEPS[0]]) for step in STEPS}


MEASURES: Final[tuple[Measure, ...]] = (
    CountedMeasure(
        name="views",
        title="Views of programs",
        unit=Unit.COUNT,
        definition="How often somebody looked at a program in the catalogue, as their screens report it.",
        numerator="Views that were reported",
        rollups=(VIEWED,),
        dimensions=WHERE,
        from_clients=True,
        formula=_views,
    ),
    CountedMeasure(
        name="enrolments",
        title="Enrolments",
        unit=Unit.COUNT,
        definition="How many places in programs were given. A place that was given back and taken again counts twice.",
        numerator="Places that were given",
        rollups=(ENROLMENT,),
        dimensions=WHERE,
        formula=_enrolments,
    ),
    CountedMeasure(
        name="orders",
        title="Orders",
        unit=Unit.COUNT,
        definition="How many orders were made, paid or not.",
        numerator="Orders that were made",
        registers=(MADE,),
        dimensions=WHERE,
        roles=ADMINS,
        formula=_orders,
    ),
    FunnelMeasure(
        name="funnel",
        title="From order to completion",
        unit=Unit.RATIO,
        definition="Of the orders made in the time: the share whose student went on to the end, up to now.",
        numerator="Orders that were paid, whose student came to a class and completed the program; or came to the step "
        "that is named",
        denominator="Orders that were made in the time",
        others=(MADE, PAID, "live.attended", "programs.completed"),
        dimensions=(Dimension.KIND,),
        kinds="Step: ordered, paid, attended or completed",
        labels={"ordered": "Ordered", "paid": "Paid", "attended": "Came to a class", "completed": "Completed"},
        roles=ADMINS,
    ),
    PaymentSuccessMeasure(
        name="payment_success",
        title="Payments that succeed",
        unit=Unit.RATIO,
        definition="Of the orders that somebody tried to pay: the share that is paid by now. An order lies at its last "
        "attempt, and may take several.",
        numerator="Orders of these that are paid",
        denominator="Orders with an attempt that was captured or failed",
        others=(ATTEMPTED, PAID),
        dimensions=WHERE,
        target=0.95,
        roles=ADMINS,
    ),
    CountedMeasure(
        name="attempt_success",
        title="Attempts that succeed",
        unit=Unit.RATIO,
        definition="The share of attempts to pay that brought the money.",
        numerator="Attempts that were captured",
        denominator="Attempts that were captured or failed",
        registers=(ATTEMPT,),
        dimensions=WHERE,
        roles=ADMINS,
        formula=_attempt_success,
    ),
    CountedMeasure(
        name="revenue",
        title="Revenue",
        unit=Unit.MONEY,
        definition="What was captured, tax included, before refunds.",
        numerator="Captured amounts, added up, by currency",
        rollups=(REVENUE,),
        dimensions=WHERE,
        roles=ADMINS,
        currencies=True,
        formula=_revenue,
    ),
    CountedMeasure(
        name="refunds",
        title="Refunds",
        unit=Unit.MONEY,
        definition="What was paid back, by when it was. A refund that failed later is taken back at that time.",
        numerator="Refunded amounts, added up, by currency",
        rollups=(REFUND,),
        dimensions=WHERE,
        roles=ADMINS,
        lower_is_better=True,
        currencies=True,
        formula=_refunds,
    ),
    CountedMeasure(
        name="net_revenue",
        title="Net revenue",
        unit=Unit.MONEY,
        definition="What was captured, less refunds and lost disputes of the same time.",
        numerator="Captured amounts less refunded and disputed ones, by currency",
        rollups=(REVENUE, REFUND, DISPUTED),
        dimensions=WHERE,
        roles=ADMINS,
        currencies=True,
        formula=_net_revenue,
    ),
)
