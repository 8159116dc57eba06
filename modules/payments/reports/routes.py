"""The routes of reports. Each answers JSON, or a file with `format=csv` or `format=xlsx`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from gateway.auth.policy import roles
from gateway.http.listing import Page, Span
from gateway.http.moments import MOMENT, moment
from gateway.http.services import services
from gateway.http.sheet_file import SheetOperation
from gateway.principal import Role
from modules.payments.invoices.messages import InvoiceView
from modules.payments.reports.messages import GstLine, GstSummary, LedgerLine, SettlementLine, TrialBalance
from modules.payments.reports.reports import Reports, between, month_of

ADMINS: Final = roles(Role.ADMIN)
Since = Annotated[
    str | None,
    QueryParameter(pattern=MOMENT, description="Only from then on, such as 2026-04-30T18:30:00Z"),
]
Until = Annotated[str | None, QueryParameter(pattern=MOMENT, description="Only what was posted before this time")]
Month = Annotated[
    str, QueryParameter(pattern="^[1-9][0-9]{3}-(0[1-9]|1[0-2])$", description="A month in India, such as 2026-04")
]
Account = Annotated[str, QueryParameter(max_length=64, description="Only entries of this account")]
OrderId = Annotated[str, QueryParameter(name="order", max_length=64, description="Only entries of this order")]
Format = Annotated[Literal["json", "csv", "xlsx"], QueryParameter(description="What it is written as")]


@dataclass
class LedgerOperation(SheetOperation):
    sample = ",".join(LedgerLine.__struct_fields__)


@dataclass
class SettlementsOperation(SheetOperation):
    sample = ",".join(SettlementLine.__struct_fields__)


@dataclass
class InvoicesOperation(SheetOperation):
    sample = ",".join(InvoiceView.__struct_fields__)


@dataclass
class BalancesOperation(SheetOperation):
    sample = "account,currency,opening,debits,credits,closing"


@dataclass
class GstOperation(SheetOperation):
    sample = ",".join(GstLine.__struct_fields__)


@get("/ledger", policy=ADMINS, operation_class=LedgerOperation)
async def ledger(
    span: NamedDependency[Span],
    reports: NamedDependency[Reports],
    since: Since = None,
    until: Until = None,
    account: Account = "",
    order: OrderId = "",
    format: Format = "json",
) -> Response[Page[LedgerLine]] | Stream:
    """The entries of the ledger, as they were posted. A file has all of them, in major units."""
    wanted = between(moment(since), moment(until), account, order)
    if format == "json":
        return Response(await reports.ledger.page(wanted, span))
    return await reports.listing_file("ledger", format, reports.ledger, wanted)


@get("/balances", policy=ADMINS, operation_class=BalancesOperation)
async def balances(
    reports: NamedDependency[Reports], since: Since = None, until: Until = None, format: Format = "json"
) -> Response[TrialBalance] | Stream:
    """The trial balance: each account at the beginning and the end of a time, and what was added on each side."""
    wanted = between(moment(since), moment(until))
    if format == "json":
        return Response(await reports.trial_balance(wanted))
    return await reports.balance_file("balances", format, wanted)


@get("/settlements", policy=ADMINS, operation_class=SettlementsOperation)
async def settlements(
    span: NamedDependency[Span],
    reports: NamedDependency[Reports],
    since: Since = None,
    until: Until = None,
    format: Format = "json",
) -> Response[Page[SettlementLine]] | Stream:
    """The settlements that reached the bank."""
    wanted = between(moment(since), moment(until))
    if format == "json":
        return Response(await reports.settlements.page(wanted, span))
    return await reports.listing_file("settlements", format, reports.settlements, wanted)


@get("/invoices", policy=ADMINS, operation_class=InvoicesOperation)
async def invoices(
    span: NamedDependency[Span], reports: NamedDependency[Reports], month: Month, format: Format = "json"
) -> Response[Page[InvoiceView]] | Stream:
    """The invoices and credit notes of a month."""
    wanted = month_of(month)
    if format == "json":
        return Response(await reports.invoices.page(wanted, span))
    return await reports.listing_file(f"invoices-{month}", format, reports.invoices, wanted)


@get("/gst", policy=ADMINS, operation_class=GstOperation)
async def gst(
    reports: NamedDependency[Reports], month: Month, format: Format = "json"
) -> Response[GstSummary] | Stream:
    """GST of a month, by kind of document, rate and place of supply."""
    if format == "json":
        return Response(await reports.gst(month))
    return await reports.gst_file(f"gst-{month}", format, month)


def router(reports: Reports) -> Router:
    return Router(
        "/payments/reports",
        route_handlers=[ledger, balances, settlements, invoices, gst],
        dependencies=services(reports=reports),
    )
