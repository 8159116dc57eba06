"""The routes of invoices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIFormat, OpenAPIType, Operation, Schema
from litestar.params import PathParameter, QueryParameter

from gateway.auth.policy import signed_in
from gateway.contract import Rate
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.localization.formats import Language
from gateway.principal import Principal
from modules.payments.invoices.invoices import Invoices
from modules.payments.invoices.messages import InvoiceView
from modules.payments.settings import SellerSettings

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
OWNERS: Final = signed_in(owner="they are the student or the payer of the invoice, or an admin")
PDF: Final = "application/pdf"


@dataclass
class PdfOperation(Operation):
    """An operation whose answer is bytes."""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        response.content[PDF].schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)


@get("/", policy=signed_in())
async def own_invoices(
    span: NamedDependency[Span], principal: NamedDependency[Principal], invoices: NamedDependency[Invoices]
) -> Page[InvoiceView]:
    """Your invoices and credit notes, as student or payer, newest first."""
    return await invoices.listing(principal, span)


@get("/{id:str}", policy=OWNERS)
async def invoice(id: Id, principal: NamedDependency[Principal], invoices: NamedDependency[Invoices]) -> InvoiceView:
    """An invoice or a credit note."""
    return await invoices.read(principal, id)


@get("/{id:str}/pdf", policy=OWNERS, media_type=PDF, operation_class=PdfOperation)
async def invoice_pdf(
    id: Id,
    principal: NamedDependency[Principal],
    invoices: NamedDependency[Invoices],
    lang: Annotated[Language, QueryParameter(description="Its language: English or Hindi")] = "en",
) -> Response[bytes]:
    """The PDF of an invoice or a credit note. It stays the same, whatever changes later."""
    found, body = await invoices.pdf(principal, id, lang)
    name = found.number.replace("/", "-")
    return Response(body, media_type=PDF, headers={"Content-Disposition": f'attachment; filename="{name}-{lang}.pdf"'})


async def resend(id: Id, principal: NamedDependency[Principal], invoices: NamedDependency[Invoices]) -> None:
    """Have the invoice sent to its student and payer again."""
    await invoices.resend(principal, id)


def router(invoices: Invoices, settings: SellerSettings) -> Router:
    rate = Rate(count=settings.invoice_resend_count, seconds=settings.invoice_resend_seconds)
    resending = post("/{id:str}/resend", policy=OWNERS, rate=rate, status_code=204)(resend)
    return Router(
        "/payments/invoices",
        route_handlers=[own_invoices, invoice, invoice_pdf, resending],
        dependencies=services(invoices=invoices),
    )
