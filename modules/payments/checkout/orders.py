"""Orders: made, opened at the vendor, shown, and cancelled.

The row comes first, with the coupon's use, in one transaction. Then the vendor makes its order, under our receipt. When
it cannot be reached, the row stays `created`, and the same request goes on with it later: the receipt finds what the
vendor may have made in the meantime.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable, not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Principal, Role
from modules.payments.checkout.expiry import EXPIRE, ExpiryDue
from modules.payments.checkout.messages import Checkout, NewOrder, OrderDetail, OrderView, Prefill
from modules.payments.checkout.payment_repository import PaymentRepository
from modules.payments.checkout.quotes import Price, Quotes
from modules.payments.checkout.records import LINK_RECEIPT, ORDER_RECEIPT, Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.settlement import Settlement
from modules.payments.checkout.views import order_detail, order_view
from modules.payments.coupons.coupons import Coupons
from modules.payments.errors import not_for_sale, order_closed
from modules.payments.events import OrderCreated
from modules.payments.settings import PaymentsSettings
from modules.payments.states import CLOSED, UNPAID, OrderState
from modules.payments.vendor.outcomes import Rejected
from modules.payments.vendor.razorpay import Razorpay

log = structlog.get_logger(__name__)

# The note of the vendor's order: whose it is, for a person who looks at Razorpay's dashboard.
NOTE: Final = "ksmp_order"


class Orders:
    """Without a `razorpay` nothing can be sold: orders are answered with Unavailable."""

    def __init__(
        self,
        kernel: Kernel,
        settings: PaymentsSettings,
        razorpay: Razorpay | None,
        quotes: Quotes,
        coupons: Coupons,
        settlement: Settlement,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._razorpay = razorpay
        self._quotes = quotes
        self._coupons = coupons
        self._settlement = settlement
        self._orders = OrderRepository(kernel.database)
        self._payments = PaymentRepository(kernel.database)

    async def create(self, principal: Principal, wanted: NewOrder) -> Checkout:
        """An order for the user's own place, and what the checkout page needs.

        The same request gives the same order while it can be paid. With other terms the former order is cancelled.
        Raises what `reserve` and `open` raise.
        """
        order = await self.open(await self.reserve(principal.id, principal.id, wanted))
        left = (order.expires_at - clock.now()).total_seconds()
        return Checkout(
            order_view(order),
            self._settings.key_id,
            order.vendor_order_id or "",
            order.amount,
            order.currency,
            self._settings.checkout_name or self._settings.seller_name,
            order.title,
            Prefill(principal.name),
            max(int(left), 0),
        )

    async def reserve(self, buyer_id: str, user_id: str, wanted: NewOrder, *, by_link: bool = False) -> Order:
        """The row of an order, with its coupon's use; an order of 0 is paid with that.

        An order `by_link` is paid by a link of the vendor's, which the caller makes. Raises what `Quotes.price` raises,
        and Conflict `payments.order_closed` while a payment of a former order is being confirmed.
        """
        async with self._kernel.database.transaction():
            await self._orders.lock_places(wanted.program_id)
            former = await self._orders.lock_unpaid(user_id, wanted.program_id)
            confirming = former is not None and former.state is OrderState.CONFIRMING
            # Its timer may be late, as after an outage.
            is_over = former is not None and not confirming and former.expires_at <= clock.now()
            if former is not None and not is_over and _same(former, buyer_id, wanted, by_link):
                return former
            if confirming:
                raise order_closed(OrderState.CONFIRMING)
            price = await self._quotes.price(
                user_id, wanted.program_id, wanted.coupon, wanted.place_of_supply, wanted.gstin
            )
            await self._check_places(price, user_id)
            if former is not None:
                await self._coupons.lock(former.coupon_id, price.coupon.coupon_id if price.coupon else None)
                await self._close(former, OrderState.EXPIRED if is_over else OrderState.CANCELLED)
            order = self._order(buyer_id, user_id, wanted, price, by_link)
            await self._orders.insert(order)
            created = OrderCreated(
                order_id=order.id,
                program_id=order.program_id,
                user_id=order.user_id,
                amount=order.amount,
                currency=order.currency,
                at=order.created_at,
            )
            await self._kernel.events.publish(created)
            if price.coupon is not None:
                await self._coupons.reserve(price.coupon, order.id, user_id)
            if order.amount == 0:
                return await self._settlement.settle(order.id)
            await self._kernel.schedules.at(EXPIRE, order.id, order.expires_at, ExpiryDue(order.id))
            return order

    async def open(self, order: Order) -> Order:
        """Let the vendor make its order, unless it is made. Raises Unavailable, and Conflict `payments.order_closed`.

        It may be called again after whatever happened. No transaction may be around it.
        """
        if order.state in CLOSED:
            raise order_closed(order.state)
        if order.amount == 0 or order.vendor_order_id is not None:
            return order
        if self._razorpay is None:
            raise Unavailable("this platform takes no payments yet: it has no key of Razorpay's", retry_after=None)
        try:
            made = await self._razorpay.create_order(
                receipt=order.receipt, amount=order.amount, currency=order.currency, notes={NOTE: order.id}
            )
        except Rejected as error:
            log.warning("checkout.order_rejected", order=order.id, code=error.code, why=error.description)
            raise not_for_sale("the payment service does not take this amount or currency") from None
        async with self._kernel.database.transaction():
            return await self._settlement.open(order.id, made.id)

    async def cancel(self, principal: Principal, id: str) -> OrderView:
        """Give an unpaid order up; again, it changes nothing. Money that still comes buys the place, or goes back.

        Raises BadInput `not_found` and Conflict `payments.order_closed`.
        """
        async with self._kernel.database.transaction():
            order = await self._orders.lock(id)
            if order is None or not _may_see(principal, order):
                raise not_found("there is no such order")
            return order_view(await self.give_up(order))

    async def give_up(self, order: Order) -> Order:
        """Close a locked order that was not paid, or leave it closed. Raises Conflict `payments.order_closed`."""
        if order.state in CLOSED:
            return order
        if order.state not in UNPAID or order.state is OrderState.CONFIRMING:
            raise order_closed(order.state)
        return await self._close(order, OrderState.CANCELLED)

    async def cancel_all(self, ids: Sequence[str]) -> None:
        """Cancel these orders where they are not paid, in the transaction that deletes their user."""
        orders = [order for id in ids if (order := await self._orders.lock(id)) is not None]
        # All orders before any coupon: another transaction holds one of these orders and waits for a coupon.
        await self._coupons.lock(*(order.coupon_id for order in orders))
        for order in orders:
            await self._close(order, OrderState.CANCELLED)

    async def read(self, principal: Principal, id: str) -> OrderDetail:
        """An order with its payments and refunds, for its buyer, student and admins; raises BadInput `not_found`."""
        order = await self._orders.find(id)
        if order is None or not _may_see(principal, order):
            raise not_found("there is no such order")
        return order_detail(order, await self._payments.of_order(id), await self._payments.refunds_of_order(id))

    async def page(self, user_id: str | None, span: Span) -> Page[OrderView]:
        return await self._orders.page(user_id, span)

    async def _close(self, order: Order, state: OrderState) -> Order:
        await self._kernel.schedules.cancel(EXPIRE, order.id)
        return await self._settlement.close(order, state)

    async def _check_places(self, price: Price, user_id: str) -> None:
        """Others who may still pay have the place first."""
        if price.free_places is None or not self._settings.hold_places:
            return
        if await self._orders.count_held(price.program_id, user_id) >= price.free_places:
            raise not_for_sale("the last places of this program are being paid for; try again later")

    def _order(self, buyer_id: str, user_id: str, wanted: NewOrder, price: Price, by_link: bool) -> Order:
        id, now, parts = new_id(), clock.now(), price.taxed.parts
        life = self._settings.link_life if by_link else self._settings.order_life
        return Order(
            id=id,
            user_id=user_id,
            buyer_id=buyer_id,
            program_id=price.program_id,
            title=price.title,
            state=OrderState.CREATED,
            currency=price.currency,
            price=price.price,
            discount=price.discount,
            amount=price.amount,
            taxable=parts.taxable,
            cgst=parts.cgst,
            sgst=parts.sgst,
            igst=parts.igst,
            tax_rate=price.taxed.rate,
            place_of_supply=price.taxed.place_of_supply,
            billing_name=wanted.billing_name,
            billing_address=wanted.billing_address,
            gstin=wanted.gstin,
            coupon_id=price.coupon.coupon_id if price.coupon is not None else None,
            coupon_code=_code(wanted),
            receipt=f"{LINK_RECEIPT if by_link else ORDER_RECEIPT}{id}",
            vendor_order_id=None,
            link_id=None,
            paid_by=None,
            paid_at=None,
            refunded=0,
            expires_at=now + timedelta(seconds=life),
            created_at=now,
            rev=1,
        )


def _code(wanted: NewOrder) -> str:
    return wanted.coupon.strip().upper()


def _same(order: Order, buyer_id: str, wanted: NewOrder, by_link: bool) -> bool:
    """Whether the order is what is asked for again. Its price stays, whatever the program costs by now."""
    return (
        (order.buyer_id, order.coupon_code, order.by_link) == (buyer_id, _code(wanted), by_link)
        and wanted.place_of_supply in ("", order.place_of_supply)
        and (order.billing_name, order.billing_address) == (wanted.billing_name, wanted.billing_address)
        and order.gstin == wanted.gstin
    )


def _may_see(principal: Principal, order: Order) -> bool:
    return principal.role is Role.ADMIN or principal.id in (order.buyer_id, order.user_id)
