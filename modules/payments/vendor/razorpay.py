"""Razorpay's orders, payments, refunds, links, disputes and settlements: the adapter that knows the SDK.

What creates or moves something is never repeated blindly: after a lost answer Razorpay is asked what it holds.
`README.md` says what is read back how. No call is made inside of a database transaction.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeVar

import msgspec

from gateway import clock
from gateway.errors import Unavailable
from modules.payments.settings import RazorpaySettings
from modules.payments.vendor.calls import Calls
from modules.payments.vendor.entities import (
    VendorCustomer,
    VendorDispute,
    VendorLink,
    VendorOrder,
    VendorPayment,
    VendorRefund,
    VendorSettlement,
    VendorSettlementItem,
    entity,
)
from modules.payments.vendor.outcomes import NotFound, Rejected, UnknownOutcome

# The most items of a page that Razorpay gives; of a settlement's lines it gives more.
PAGE: Final = 100
LINES: Final = 1000
# An id becomes part of a path. One that comes from a browser must not lead elsewhere.
ID: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
# What Razorpay takes as the key of a refund.
KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,255}")
# The note by which a refund is found again.
KEY_NOTE: Final = "idempotency_key"
# States of a link that it does not leave.
ENDED: Final = ("paid", "expired")

EntityT = TypeVar("EntityT", bound=msgspec.Struct)


class Razorpay:
    """The calls of Razorpay. `outcomes.py` says what they raise.

    Amounts are in minor units. Each call takes at most `KSMP_PAYMENTS_RAZORPAY_TIMEOUT`; one that reads back makes a
    few calls. Built without network IO; raises SettingsError.
    """

    def __init__(self, settings: RazorpaySettings) -> None:
        # Most of what a gateway loads for payments, and needed only where they are made.
        import razorpay  # noqa: PLC0415

        from modules.payments.vendor.session import Session  # noqa: PLC0415

        url = settings.razorpay_url.rstrip("/")
        self._session = Session(url, settings.razorpay_threads, settings.razorpay_answer_bytes)
        # Its own bundle of authorities is of 2015. The session does not use it: it trusts what the gateway trusts.
        self._client = razorpay.Client(session=self._session, auth=(settings.key_id, settings.key_secret), base_url=url)
        self._calls = Calls(settings)
        self._pages = settings.razorpay_pages

    async def close(self) -> None:
        self._calls.close()
        self._session.close()

    async def create_order(self, *, receipt: str, amount: int, currency: str, notes: Mapping[str, str]) -> VendorOrder:
        """The order with this receipt, which is made unless it is there.

        Raises Rejected, also when the receipt is another amount's; Unavailable; UnknownOutcome. It may be called again
        with the same receipt after any of them.
        """
        data = {
            "receipt": receipt,
            # Razorpay refuses a second order with this receipt; by itself it would make one.
            "unique_receipt": True,
            "amount": amount,
            "currency": currency,
            "notes": dict(notes),
        }
        try:
            made = await self._write("order.create", VendorOrder, lambda: self._client.order.create(data=data))
        except (Rejected, UnknownOutcome) as error:
            found = await _looked_up(self.find_order_by_receipt(receipt), error)
            if found is None:
                raise
            made = found
        # It may be an earlier one: Razorpay's pages say both, that a second one is refused, and that it is the first.
        if (made.amount, made.currency) != (amount, currency.upper()):
            raise Rejected("receipt_in_use", f"{made.id} has this receipt, and another amount")
        return made

    async def find_order_by_receipt(self, receipt: str) -> VendorOrder | None:
        found = await self._list("order.find", VendorOrder, self._client.order.all, {"receipt": receipt})
        return min((one for one in found if one.receipt == receipt), key=lambda one: one.created_at, default=None)

    async def order(self, order_id: str) -> VendorOrder:
        return await self._read("order", VendorOrder, self._client.order.fetch, order_id)

    async def payments_of_order(self, order_id: str) -> list[VendorPayment]:
        """Every attempt to pay it."""
        _check_id(order_id)
        # All at once: it takes neither a page nor a count.
        return await self._calls.read(
            "order.payments", lambda: _items(VendorPayment, self._client.order.payments(order_id, data={}), "items")
        )

    async def payment(self, payment_id: str) -> VendorPayment:
        return await self._read("payment", VendorPayment, self._client.payment.fetch, payment_id)

    async def capture(self, payment_id: str, amount: int, currency: str) -> VendorPayment:
        """The captured payment, also when it was captured before. Raises Rejected, NotFound, Unavailable and
        UnknownOutcome; it may be called again after the last two."""
        _check_id(payment_id)
        try:
            return await self._write(
                "payment.capture",
                VendorPayment,
                # With a dict of its own: the SDK's default is one that all threads share, and has another's amount.
                lambda: self._client.payment.capture(payment_id, amount, data={"currency": currency}),
            )
        except (Rejected, UnknownOutcome) as error:
            found = await _looked_up(self.payment(payment_id), error)
            if found is not None and found.captured and found.amount == amount:
                return found
            raise

    async def refund(
        self, payment_id: str, *, amount: int, key: str, receipt: str, notes: Mapping[str, str]
    ) -> VendorRefund:
        """The refund with this key, which is made unless it is there.

        `key` is unique for each refund; 10 to 255 letters, digits, `-` and `_`. Its body must stay the same. Raises
        Rejected, NotFound, Unavailable and UnknownOutcome; it may be called again with the same key after any of them.
        """
        _check_id(payment_id)
        if not KEY.fullmatch(key):
            raise ValueError("the key of a refund has 10 to 255 letters, digits, - and _")
        # Razorpay does not say how long it knows a key. A repeat days later must not be a second refund.
        if (made := await self._find_refund(payment_id, key)) is not None:
            return made
        data = {"amount": amount, "receipt": receipt, "notes": {**notes, KEY_NOTE: key}}
        try:
            return await self._send_refund(payment_id, key, data)
        except (Rejected, UnknownOutcome) as error:
            if (made := await _looked_up(self._find_refund(payment_id, key), error)) is not None:
                return made
            if isinstance(error, Rejected):
                raise
            doubt = error
        # The answer was lost, and no refund is to be seen yet. The same key makes no second one.
        try:
            return await self._send_refund(payment_id, key, data)
        except (Rejected, NotFound, Unavailable, UnknownOutcome):
            if (made := await _looked_up(self._find_refund(payment_id, key), doubt)) is not None:
                return made
            # Whatever became of the second, the first may have been done.
            raise doubt from None

    async def refunds_of_payment(self, payment_id: str) -> list[VendorRefund]:
        _check_id(payment_id)

        def listing(data: dict[str, Any]) -> Any:
            return self._client.payment.fetch_multiple_refund(payment_id, data=data)

        return await self._list("payment.refunds", VendorRefund, listing, {})

    async def refund_by_id(self, refund_id: str) -> VendorRefund:
        return await self._read("refund", VendorRefund, self._client.refund.fetch, refund_id)

    async def create_link(
        self,
        *,
        reference: str,
        amount: int,
        currency: str,
        description: str,
        expire_by: datetime,
        callback_url: str,
        notes: Mapping[str, str],
        customer: VendorCustomer | None = None,
    ) -> VendorLink:
        """The link with this reference, which is made unless it is there; Razorpay sends nobody a message.

        Without a `callback_url` the payer stays on Razorpay's page.

        Raises as `create_order` does, and may be called again as that.
        """
        data: dict[str, Any] = {
            "reference_id": reference,
            "amount": amount,
            "currency": currency,
            "accept_partial": False,
            "description": description,
            "customer": msgspec.to_builtins(customer or VendorCustomer()),
            "notify": {"sms": False, "email": False},
            "reminder_enable": False,
            "expire_by": clock.to_ms(expire_by) // 1000,
            "notes": dict(notes),
        }
        if callback_url:
            data |= {"callback_url": callback_url, "callback_method": "get"}
        try:
            made = await self._write("link.create", VendorLink, lambda: self._client.payment_link.create(data=data))
        except (Rejected, UnknownOutcome) as error:
            found = await _looked_up(self.find_link_by_reference(reference), error)
            if found is None:
                raise
            made = found
        if (made.amount, made.currency) != (amount, currency.upper()):
            raise Rejected("reference_in_use", f"{made.id} has this reference, and another amount")
        return made

    async def find_link_by_reference(self, reference: str) -> VendorLink | None:
        data = {"reference_id": reference}
        links = await self._calls.read(
            "link.find", lambda: _items(VendorLink, self._client.payment_link.all(data=data), "payment_links")
        )
        found = [one for one in links if one.reference_id == reference]
        return min(found, key=lambda one: one.created_at, default=None)

    async def link(self, link_id: str) -> VendorLink:
        return await self._read("link", VendorLink, self._client.payment_link.fetch, link_id)

    async def cancel_link(self, link_id: str) -> VendorLink:
        """The cancelled link. Raises Rejected for one that was paid, or has expired; NotFound, Unavailable and
        UnknownOutcome; it may be called again."""
        _check_id(link_id)
        try:
            return await self._write("link.cancel", VendorLink, lambda: self._client.payment_link.cancel(link_id))
        except (Rejected, UnknownOutcome) as error:
            found = await _looked_up(self.link(link_id), error)
            if found is not None and found.status == "cancelled":
                return found
            if found is not None and found.status in ENDED:
                raise Rejected(f"link_{found.status}", f"{link_id} is {found.status}") from error
            raise

    async def disputes(self) -> list[VendorDispute]:
        return await self._list("dispute.list", VendorDispute, self._client.dispute.all, {})

    async def dispute(self, dispute_id: str) -> VendorDispute:
        return await self._read("dispute", VendorDispute, self._client.dispute.fetch, dispute_id)

    async def settlements(self, since: datetime, until: datetime) -> list[VendorSettlement]:
        """Those that were made from `since` to `until`."""
        span = {"from": clock.to_ms(since) // 1000, "to": clock.to_ms(until) // 1000}
        return await self._list("settlement.list", VendorSettlement, self._client.settlement.all, span)

    async def settlement_items(self, day: date) -> list[VendorSettlementItem]:
        """The lines of what was settled on this day, which is one of India's."""
        when = {"year": day.year, "month": day.month, "day": day.day}
        return await self._list(
            "settlement.items", VendorSettlementItem, self._client.settlement.report, when, page=LINES
        )

    async def _find_refund(self, payment_id: str, key: str) -> VendorRefund | None:
        refunds = await self.refunds_of_payment(payment_id)
        return next((one for one in refunds if one.notes.get(KEY_NOTE) == key), None)

    async def _send_refund(self, payment_id: str, key: str, data: dict[str, Any]) -> VendorRefund:
        headers = {"X-Refund-Idempotency": key}
        return await self._write(
            "refund.create",
            VendorRefund,
            lambda: self._client.payment.refund(payment_id, data=dict(data), headers=dict(headers)),
        )

    async def _write(self, operation: str, kind: type[EntityT], call: Callable[[], Any]) -> EntityT:
        return await self._calls.write(operation, lambda: entity(kind, call()))

    async def _read(self, operation: str, kind: type[EntityT], fetch: Callable[..., Any], id: str) -> EntityT:
        _check_id(id)
        return await self._calls.read(operation, lambda: entity(kind, fetch(id, data={})))

    async def _list(
        self,
        operation: str,
        kind: type[EntityT],
        listing: Callable[..., Any],
        filters: Mapping[str, Any],
        *,
        page: int = PAGE,
    ) -> list[EntityT]:
        """All pages. An item that comes twice, because others were added meanwhile, is there once."""
        found: dict[bytes, EntityT] = {}
        for number in range(self._pages):
            data = {**filters, "count": page, "skip": number * page}
            items = await self._calls.read(operation, lambda data=data: _items(kind, listing(data=data), "items"))  # type: ignore[misc]
            before = len(found)
            found |= {msgspec.json.encode(item): item for item in items}
            # One that knows no pages answers the same again.
            if len(items) < page or len(found) == before:
                return list(found.values())
        raise Unavailable(f"{operation}: more than {self._pages} pages")


def _check_id(id: str) -> None:
    if not ID.fullmatch(id):
        raise NotFound("no id of Razorpay's")


def _items(kind: type[EntityT], answer: Mapping[str, Any], member: str) -> list[EntityT]:
    """Raises msgspec.ValidationError."""
    return [entity(kind, item) for item in msgspec.convert(answer.get(member), list[dict[str, Any]])]


async def _looked_up(reading: Awaitable[EntityT | None], error: Rejected | UnknownOutcome) -> EntityT | None:
    """What Razorpay holds. Where that cannot be read, an earlier call may have done it: raises UnknownOutcome."""
    try:
        return await reading
    except NotFound:
        return None
    except Unavailable as unread:
        operation = error.operation if isinstance(error, UnknownOutcome) else ""
        raise UnknownOutcome(f"{error}; and it cannot be read back: {unread.message}", operation) from error
