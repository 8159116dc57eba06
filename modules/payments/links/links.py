"""Payment links: made for a student's place, shown, and cancelled.

The order's row comes first, as in `checkout/orders.py`, and then the vendor makes the link, with our receipt as its
reference. After a lost answer the same request goes on: the reference finds the link that was made.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable, forbidden, not_found
from gateway.principal import Principal, Role
from modules.accounts.facade import check_known
from modules.payments.checkout.orders import NOTE, Orders
from modules.payments.checkout.records import Order
from modules.payments.checkout.repository import OrderRepository
from modules.payments.errors import not_for_sale, order_closed
from modules.payments.links.check import LinkCheck
from modules.payments.links.messages import LinkView, NewLink, Payer
from modules.payments.links.repository import LinkRepository
from modules.payments.states import CLOSED, UNPAID, OrderState
from modules.payments.vendor.entities import VendorCustomer
from modules.payments.vendor.outcomes import NotFound, Rejected
from modules.payments.vendor.razorpay import Razorpay
from modules.programs.facade import Part, part_of

log = structlog.get_logger(__name__)

# Razorpay takes no link that ends within 15 minutes. An order that is nearly over may get its link late.
SOONEST: Final = timedelta(minutes=16)


class Links:
    """A student's links are the student's, an admin's, and those of the program's mentor and co-mentors."""

    def __init__(
        self, kernel: Kernel, razorpay: Razorpay | None, orders: Orders, check: LinkCheck, callback_path: str
    ) -> None:
        self._kernel = kernel
        self._razorpay = razorpay
        self._making = orders
        self._check = check
        self._callback_path = callback_path
        self._orders = OrderRepository(kernel.database)
        self._links = LinkRepository(kernel.database)

    async def create(self, principal: Principal, wanted: NewLink, base: str) -> LinkView:
        """A link for a place. The same request gives the same link while it can be paid.

        `base` is where the payer's browser reaches this platform; without one it stays at the vendor's page. Raises
        Refused `forbidden`, BadInput `invalid`, Unavailable, and what `Orders.reserve` raises.
        """
        user = wanted.user_id or principal.id
        await self._check_allowed(principal, user, wanted.program_id)
        if user != principal.id:
            await check_known(self._kernel.database, [user], "user_id")
        if self._razorpay is None:
            raise Unavailable("this platform takes no payments yet: it has no key of Razorpay's", retry_after=None)
        async with self._kernel.database.transaction():
            # Who pays has no account: the student stands for them.
            order = await self._making.reserve(user, user, wanted, by_link=True)
            await self._links.insert(order.id, principal.id)
        if order.amount > 0 and order.link_id is None:
            order = await self._open(self._razorpay, order, wanted.payer or Payer(), base)
        return await self._view(order)

    async def read(self, principal: Principal, order_id: str) -> LinkView:
        """Raises BadInput `not_found`, also for somebody else's."""
        return await self._view(await self._visible(principal, order_id))

    async def cancel(self, principal: Principal, order_id: str) -> LinkView:
        """Let nobody pay it any more; again, it changes nothing.

        Raises BadInput `not_found`, Conflict `payments.order_closed` for one that is paid or being paid, Unavailable.
        """
        order = await self._visible(principal, order_id)
        if order.state not in CLOSED:
            if order.state not in UNPAID or order.state is OrderState.CONFIRMING:
                raise order_closed(order.state)
            if self._razorpay is None:
                raise Unavailable("this platform has no key of Razorpay's", retry_after=None)
            await self._cancel_at_vendor(self._razorpay, order)
            async with self._kernel.database.transaction():
                locked = await self._orders.lock(order_id)
                order = await self._making.give_up(locked or order)
        return await self._view(order)

    async def _open(self, razorpay: Razorpay, order: Order, payer: Payer, base: str) -> Order:
        try:
            link = await razorpay.create_link(
                reference=order.receipt,
                amount=order.amount,
                currency=order.currency,
                description=order.title,
                expire_by=max(order.expires_at, clock.now() + SOONEST),
                callback_url=f"{base}{self._callback_path}" if base else "",
                notes={NOTE: order.id},
                customer=VendorCustomer(payer.name, payer.email or None, payer.contact or None),
            )
        except Rejected as error:
            log.warning("links.rejected", order=order.id, code=error.code, why=error.description)
            raise not_for_sale("the payment service does not take this amount or currency") from None
        async with self._kernel.database.transaction():
            return await self._check.opened(order.id, link)

    async def _cancel_at_vendor(self, razorpay: Razorpay, order: Order) -> None:
        link = await self._check.find(order)
        if link is None:
            return
        try:
            await razorpay.cancel_link(link.id)
        except (Rejected, NotFound):
            # It was paid, or has ended: the order is what that makes of it.
            await self._check.refresh(order.id)

    async def _visible(self, principal: Principal, order_id: str) -> Order:
        order = await self._orders.find(order_id)
        if order is None or not order.by_link or not await self._may(principal, order.user_id, order.program_id):
            raise not_found("there is no such link")
        return order

    async def _check_allowed(self, principal: Principal, user_id: str, program_id: str) -> None:
        if not await self._may(principal, user_id, program_id):
            raise forbidden("a link is made by the student, by who teaches the program, or by an admin")

    async def _may(self, principal: Principal, user_id: str, program_id: str) -> bool:
        if principal.role is Role.ADMIN or principal.id == user_id:
            return True
        return await part_of(self._kernel.database, principal, program_id) is Part.MENTOR

    async def _view(self, order: Order) -> LinkView:
        payable = order.state in UNPAID
        return LinkView(
            order.id,
            order.user_id,
            order.program_id,
            order.title,
            order.state,
            order.currency,
            order.price,
            order.discount,
            order.amount,
            order.coupon_code,
            await self._links.url(order.id) if payable else "",
            order.expires_at,
            order.created_at,
            order.rev,
        )
