"""The route that Razorpay sends its webhooks to."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Router, post
from litestar.di import NamedDependency

from gateway.auth.policy import otherwise
from gateway.http.services import services
from modules.payments.webhooks.receiver import WebhookReceiver

SIGNATURE: Final = "x-razorpay-signature"
EVENT_ID: Final = "x-razorpay-event-id"


@post(
    "/webhooks/razorpay",
    policy=otherwise("Razorpay's signature of the body", limited=False),
    status_code=200,
    any_query=True,
)
async def razorpay(request: Request[Any, Any, Any], receiver: NamedDependency[WebhookReceiver]) -> None:
    """Razorpay says that something has happened. 200 says that it is stored; it is handled afterwards."""
    host = request.client.host if request.client is not None else "unknown"
    signature = request.headers.get(SIGNATURE)
    length = request.headers.get("content-length", "")
    receiver.check_sender(host, signature, int(length) if length.isdecimal() else None)
    await receiver.receive(host, await request.body(), signature or "", request.headers.get(EVENT_ID))


def router(receiver: WebhookReceiver, most_bytes: int) -> Router:
    return Router(
        "/payments",
        route_handlers=[razorpay],
        dependencies=services(receiver=receiver),
        request_max_body_size=most_bytes,
    )
