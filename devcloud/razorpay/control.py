"""Endpoints that drive the stand-in for Razorpay: the customer, the clock, the webhooks, the books.

Everything is JSON under `/_devcloud/razorpay/`. CONTROL.md of devcloud lists them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from devcloud.document import Document
from devcloud.razorpay import customer, disputes, payments, refunds, settlements
from devcloud.razorpay.account import Account
from devcloud.razorpay.books import books
from devcloud.razorpay.entities import new_id
from devcloud.razorpay.errors import RazorpayError
from devcloud.razorpay.settings import Seconds
from devcloud.razorpay.state import Webhook
from devcloud.wire import Request, Response

PREFIX = "/_devcloud/razorpay/"


class NewWebhook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A webhook as the Dashboard sets it up."""

    url: str
    others: list[str] = []
    secret: str
    events: list[str] = msgspec.field(default_factory=lambda: ["*"])
    active: bool = True


class NamedWebhook(NewWebhook, kw_only=True, forbid_unknown_fields=True):
    """One that takes the place of the former one with this id, as if that had been changed to it."""

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_]{1,64}$")]


class WebhookChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise. A new `secret` signs the events that happen from now on."""

    id: str
    url: str | None = None
    secret: str | None = None
    events: list[str] | None = None
    active: bool | None = None


class Advance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far the clock is moved."""

    seconds: Seconds


class PaymentTarget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A payment, and why it fails if it does."""

    payment_id: str
    failure: customer.Failure = msgspec.field(default_factory=customer.Failure)


class RefundTarget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A refund."""

    refund_id: str


Route = Callable[[Request], Awaitable[Document]]


class RazorpayControl:
    """The endpoints by method and path."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes: dict[tuple[str, str], Route] = {
            ("POST", "pay"): self._pay,
            ("POST", "payments/authorize"): self._authorize,
            ("POST", "payments/fail"): self._fail,
            ("POST", "refunds/process"): self._process_refund,
            ("POST", "refunds/fail"): self._fail_refund,
            ("POST", "settlements/run"): self._settle,
            ("POST", "disputes"): self._dispute,
            ("POST", "disputes/decide"): self._decide,
            ("GET", "books"): self._books,
            ("GET", "events"): self._events,
            ("GET", "webhooks"): self._webhooks,
            ("POST", "webhooks"): self._add_webhook,
            ("PUT", "webhooks"): self._put_webhook,
            ("PATCH", "webhooks"): self._change_webhook,
            ("DELETE", "webhooks"): self._remove_webhooks,
            ("POST", "webhooks/settle"): self._settle_webhooks,
            ("POST", "webhooks/replay"): self._replay,
            ("GET", "clock"): self._clock,
            ("POST", "clock/advance"): self._advance,
            ("GET", "settings"): self._settings,
            ("PATCH", "settings"): self._change_settings,
            ("DELETE", "state"): self._clear,
        }

    async def answer(self, request: Request) -> Response:
        """The answer to a request below `PREFIX`."""
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return _json({"message": f"{request.method} {request.path} is nothing"}, 404)
        try:
            document = await route(request)
        except RazorpayError as error:
            return _json({"code": error.code, "message": error.description}, 400)
        except msgspec.DecodeError as error:
            return _json({"code": "ValidationException", "message": str(error)}, 400)
        if request.method != "GET":
            self._account.store.touch()
        return _json(document)

    async def _pay(self, request: Request) -> Document:
        return customer.pay(self._account, msgspec.json.decode(request.body, type=customer.Checkout))

    async def _authorize(self, request: Request) -> Document:
        target = msgspec.json.decode(request.body, type=PaymentTarget)
        payment = payments.get(self._account, target.payment_id)
        payments.authorize(self._account, payment)
        return {"payments": [payment.with_card()], **customer.handed_over(self._account, payment)}

    async def _fail(self, request: Request) -> Document:
        target = msgspec.json.decode(request.body, type=PaymentTarget)
        payment = payments.get(self._account, target.payment_id)
        customer.fail(self._account, payment, target.failure)
        return {"payments": [payment.with_card()], **customer.handed_over(self._account, payment)}

    async def _process_refund(self, request: Request) -> Document:
        refund = refunds.get(self._account, msgspec.json.decode(request.body, type=RefundTarget).refund_id)
        if refund.status != "pending":
            raise RazorpayError(f"A refund that is {refund.status} cannot be processed.")
        refunds.process(self._account, refund)
        return refund.shown()

    async def _fail_refund(self, request: Request) -> Document:
        refund = refunds.get(self._account, msgspec.json.decode(request.body, type=RefundTarget).refund_id)
        if refund.status == "failed":
            raise RazorpayError("The refund has failed already.")
        refunds.fail(self._account, refund)
        return refund.shown()

    async def _settle(self, request: Request) -> Document:
        settlement = settlements.settle(self._account, everything=True)
        return {"settlement": settlement.shown() if settlement is not None else None}

    async def _dispute(self, request: Request) -> Document:
        return disputes.open_dispute(self._account, msgspec.json.decode(request.body, type=disputes.NewDispute))

    async def _decide(self, request: Request) -> Document:
        return disputes.decide(self._account, msgspec.json.decode(request.body, type=disputes.Decision))

    async def _books(self, request: Request) -> Document:
        return books(self._account)

    async def _events(self, request: Request) -> Document:
        return {"events": list(self._account.webhooks.sent)}

    async def _webhooks(self, request: Request) -> Document:
        state = self._account.store.state
        return {
            "webhooks": [_shown(webhook) for webhook in state.webhooks.values()],
            "waiting": [_without_secret(delivery) for delivery in state.deliveries.values()],
        }

    async def _add_webhook(self, request: Request) -> Document:
        return self._keep_webhook(new_id("whk"), msgspec.json.decode(request.body, type=NewWebhook))

    async def _put_webhook(self, request: Request) -> Document:
        wanted = msgspec.json.decode(request.body, type=NamedWebhook)
        return self._keep_webhook(wanted.id, wanted)

    def _keep_webhook(self, webhook_id: str, wanted: NewWebhook) -> Document:
        webhook = Webhook(
            id=webhook_id,
            url=wanted.url,
            others=wanted.others,
            secret=wanted.secret,
            events=wanted.events,
            active=wanted.active,
            created_at=self._account.clock.now(),
        )
        self._account.store.state.webhooks[webhook.id] = webhook
        return _shown(webhook)

    async def _change_webhook(self, request: Request) -> Document:
        change = msgspec.json.decode(request.body, type=WebhookChange)
        webhook = self._account.store.state.webhooks.get(change.id)
        if webhook is None:
            raise RazorpayError(f"There is no webhook {change.id}.")
        webhook.url = change.url if change.url is not None else webhook.url
        webhook.secret = change.secret if change.secret is not None else webhook.secret
        webhook.events = change.events if change.events is not None else webhook.events
        if change.active is not None:
            webhook.active = change.active
            webhook.disabled_at = None if change.active else webhook.disabled_at
        return _shown(webhook)

    async def _remove_webhooks(self, request: Request) -> Document:
        """Remove one webhook by the parameter `id`, or all."""
        webhooks = self._account.store.state.webhooks
        for webhook_id in request.parameters.get("id", list(webhooks)):
            webhooks.pop(webhook_id, None)
        return {}

    async def _settle_webhooks(self, request: Request) -> Document:
        await self._account.timers.advance(0.0, self._account.webhooks.idle)
        return {}

    async def _replay(self, request: Request) -> Document:
        return {"replayed": self._account.webhooks.replay()}

    async def _clock(self, request: Request) -> Document:
        return {"now": self._account.clock.now(), "offset": self._account.clock.offset}

    async def _advance(self, request: Request) -> Document:
        wanted = msgspec.json.decode(request.body, type=Advance)
        await self._account.timers.advance(wanted.seconds, self._account.webhooks.idle)
        return await self._clock(request)

    async def _settings(self, request: Request) -> Document:
        return _builtins(self._account.settings)

    async def _change_settings(self, request: Request) -> Document:
        state = self._account.store.state
        change = msgspec.json.decode(request.body, type=Document)
        state.settings = msgspec.convert(_builtins(state.settings) | change, type=type(state.settings))
        return _builtins(state.settings)

    async def _clear(self, request: Request) -> Document:
        self._account.store.clear()
        self._account.webhooks.forget()
        self._account.timers.restart()
        self._account.clock.offset = 0.0
        return {}


def _builtins(value: object) -> Document:
    document: Document = msgspec.to_builtins(value)
    return document


def _without_secret(value: object) -> Document:
    document = _builtins(value)
    document.pop("secret")
    return document


def _shown(webhook: Webhook) -> Document:
    return _without_secret(webhook)


def _json(document: Document, status: int = 200) -> Response:
    headers = (("content-type", "application/json"),)
    return Response(status=status, headers=headers, body=msgspec.json.encode(document))
