"""The routes of the list in the app: a user's own."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.auth.policy import signed_in
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal
from modules.notify.inbox.inbox import Inbox
from modules.notify.inbox.messages import InboxItem, Opened, Read, Seen, Unread


@get("/", policy=signed_in())
async def list_notifications(
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    inbox: NamedDependency[Inbox],
    unread: Annotated[bool, QueryParameter(description="Only what you have not read")] = False,
) -> Page[InboxItem]:
    """Your notifications, the newest first."""
    return await inbox.page(principal.id, span, unread=unread)


@get("/unread", policy=signed_in())
async def count_unread(principal: NamedDependency[Principal], inbox: NamedDependency[Inbox]) -> Response[Unread]:
    """How many you have not read, and not seen; for a client that starts or has been away."""
    return tagged(await inbox.unread(principal.id))


@post("/read", policy=signed_in(), status_code=200)
async def read_notifications(
    data: JSONBody[Read], principal: NamedDependency[Principal], inbox: NamedDependency[Inbox]
) -> Response[Unread]:
    """You have read some, or all up to one; what still waits of them to be sent is not sent any more."""
    return tagged(await inbox.read(principal.id, data))


@post("/seen", policy=signed_in(), status_code=200)
async def see_notifications(
    data: JSONBody[Seen], principal: NamedDependency[Principal], inbox: NamedDependency[Inbox]
) -> Response[Unread]:
    """All up to one stood on your screen."""
    return tagged(await inbox.seen(principal.id, data))


# Its words are in the language of now.
@get("/{id:uuid}", policy=signed_in(), conditional=False)
async def read_notification(
    id: FromPath[UUID], principal: NamedDependency[Principal], inbox: NamedDependency[Inbox]
) -> Response[InboxItem]:
    """One of your notifications."""
    return tagged(await inbox.item(principal.id, id))


@post("/{id:uuid}/open", policy=signed_in(), status_code=200)
async def open_notification(
    id: FromPath[UUID],
    data: JSONBody[Opened],
    principal: NamedDependency[Principal],
    inbox: NamedDependency[Inbox],
) -> Response[Unread]:
    """You followed one of your notifications, from the list, a push or a mail."""
    return tagged(await inbox.open(principal.id, id, data))


def router(inbox: Inbox) -> Router:
    handlers = [
        list_notifications,
        count_unread,
        read_notifications,
        see_notifications,
        read_notification,
        open_notification,
    ]
    return Router("/notify/inbox", route_handlers=handlers, dependencies=services(inbox=inbox))
