"""Routes of mail: the page of its links, and suppressions for admins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Final
from uuid import UUID

from litestar import MediaType, Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, PathParameter

from gateway.auth.policy import otherwise, roles
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.notify.mail import page
from modules.notify.mail.messages import Suppression
from modules.notify.mail.suppressions import Suppressions
from modules.notify.mail.unsubscribe import Subscription, Unsubscribing

LINK: Final = otherwise("the link of a mail")
Token = Annotated[str, PathParameter(max_length=500, description="The last part of the link")]
# (a text in English, a language) → the text in it.
Label = Callable[[str, str], str]


@get("/{token:str}", policy=LINK, media_type=MediaType.HTML, conditional=False)
async def ask(
    token: FromPath[Token], unsubscribing: NamedDependency[Unsubscribing], label: NamedDependency[Label]
) -> Response[str]:
    """Ask whether to stop mails of a kind. It changes nothing: programs that check links open it too."""
    subscription = await unsubscribing.read(token)
    return await _page(page.asking, subscription, label)


@post("/{token:str}", policy=LINK, media_type=MediaType.HTML, status_code=200)
async def unsubscribe(
    token: FromPath[Token], unsubscribing: NamedDependency[Unsubscribing], label: NamedDependency[Label]
) -> Response[str]:
    """Stop mails of a kind, by the page or by the button of a mail program (RFC 8058)."""
    subscription = await unsubscribing.unsubscribe(token)
    return await _page(page.done, subscription, label)


async def _page(make: Callable[[str, page.Translate], str], to: Subscription, label: Label) -> Response[str]:
    # The catalogue is read from its file at the first use.
    body = await asyncio.to_thread(make, to.language, lambda text: label(text, to.language))
    return Response(body, media_type=MediaType.HTML, headers=page.HEADERS)


@get("/", policy=roles(Role.ADMIN))
async def listing(
    span: NamedDependency[Span],
    suppressions: NamedDependency[Suppressions],
    address: FromQuery[str | None] = None,
    user: FromQuery[str | None] = None,
) -> Page[Suppression]:
    """Addresses that some mail does not go to, the newest first."""
    return await suppressions.page(span, address, user)


@delete("/{id:uuid}", policy=roles(Role.ADMIN))
async def lift(
    id: FromPath[UUID], principal: NamedDependency[Principal], suppressions: NamedDependency[Suppressions]
) -> None:
    """Let mail go to an address again."""
    await suppressions.lift(principal, id)


def routers(unsubscribing: Unsubscribing, suppressions: Suppressions, label: Label) -> Sequence[Router]:
    return (
        Router(
            "/notify/unsubscribe",
            route_handlers=[ask, unsubscribe],
            dependencies=services(unsubscribing=unsubscribing, label=label),
        ),
        Router(
            "/notify/suppressions", route_handlers=[listing, lift], dependencies=services(suppressions=suppressions)
        ),
    )
