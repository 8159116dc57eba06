"""The routes of payment links, and of the payer's way back from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import otherwise, signed_in
from gateway.http.etag import tagged
from gateway.http.services import services
from gateway.principal import Principal
from modules.payments.coupons.coupons import GUESSES
from modules.payments.links.callback import LinkCallback, Outcome
from modules.payments.links.links import Links
from modules.payments.links.messages import LinkView, NewLink
from modules.payments.links.page import page
from modules.payments.settings import LinkSettings

OrderId = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
CALLBACK: Final = "/api/v1/payments/links/callback"
THEIRS: Final = signed_in(owner="the place is theirs, they teach the program, or they are an admin")
Told = Annotated[str, QueryParameter(max_length=200)]


class PublicAddress:
    """Where the payer's browser reaches the gateways.

    In production it is never the host of the request, which whoever makes a link could choose.
    """

    def __init__(self, url: str, in_development: bool) -> None:
        self._url = url.rstrip("/")
        self._in_development = in_development

    def of(self, request: Request[Any, Any, Any]) -> str:
        """Empty when it is not known."""
        return self._url or (str(request.base_url).rstrip("/") if self._in_development else "")


@dataclass
class PageOperation(Operation):
    """An operation that refuses with a page too."""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["400"]
        response.content[MediaType.HTML.value] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


@post("/", policy=THEIRS, idempotent="required", rate=GUESSES, missing=True)
async def create_link(
    data: JSONBody[NewLink],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    links: NamedDependency[Links],
    public: NamedDependency[PublicAddress],
) -> Response[LinkView]:
    """Make a link by which a parent, or anybody, pays for your place; for a student's, if you teach the program."""
    link = await links.create(principal, data, public.of(request))
    return tagged(link, status=201, headers={"Location": f"/api/v1/payments/links/{link.order_id}"})


@get("/{order:str}", policy=THEIRS)
async def read_link(
    order: OrderId, principal: NamedDependency[Principal], links: NamedDependency[Links]
) -> Response[LinkView]:
    """A link, and what became of its order."""
    return tagged(await links.read(principal, order))


@post("/{order:str}/cancel", policy=THEIRS, status_code=200, conflict=True)
async def cancel_link(
    order: OrderId, principal: NamedDependency[Principal], links: NamedDependency[Links]
) -> Response[LinkView]:
    """Let nobody pay by a link any more. Money that still comes buys the place, or goes back."""
    return tagged(await links.cancel(principal, order))


@get(
    "/callback",
    policy=otherwise("Razorpay's signature of a link's payment"),
    media_type=MediaType.HTML,
    any_query=True,
    responses={303: ResponseSpec(None, generate_examples=False, description="To the page of the platform's own")},
    operation_class=PageOperation,
)
async def return_from_link(
    back: NamedDependency[LinkCallback],
    return_url: NamedDependency[str],
    razorpay_payment_link_id: Told = "",
    razorpay_payment_link_reference_id: Told = "",
    razorpay_payment_link_status: Told = "",
    razorpay_payment_id: Told = "",
    razorpay_signature: Told = "",
) -> Response[str]:
    """Where Razorpay leads a payer after the payment of a link: a page that says what became of it."""
    outcome = await back.confirm(
        razorpay_payment_link_id,
        razorpay_payment_link_reference_id,
        razorpay_payment_link_status,
        razorpay_payment_id,
        razorpay_signature,
    )
    if return_url:
        mark = "&" if "?" in return_url else "?"
        location = f"{return_url}{mark}{urlencode({'payment': outcome.value})}"
        return Response("", status_code=303, headers={"Location": location}, media_type=MediaType.HTML)
    return Response(page(outcome), status_code=400 if outcome is Outcome.UNKNOWN else 200, media_type=MediaType.HTML)


def router(links: Links, back: LinkCallback, settings: LinkSettings, *, in_development: bool) -> Router:
    return Router(
        "/payments/links",
        route_handlers=[create_link, return_from_link, read_link, cancel_link],
        dependencies=services(
            links=links,
            back=back,
            return_url=settings.link_return_url,
            public=PublicAddress(settings.public_url, in_development),
        ),
    )
