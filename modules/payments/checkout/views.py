"""How rows of orders, payments and refunds are shown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modules.payments.checkout.messages import AttemptView, OrderDetail, OrderView, RefundView
from modules.payments.checkout.records import Order, Payment, Refund


def order_view(order: Order) -> OrderView:
    return OrderView(*(getattr(order, name) for name in OrderView.__struct_fields__))


def order_detail(order: Order, payments: Sequence[Payment], refunds: Sequence[Refund]) -> OrderDetail:
    return OrderDetail(
        **msgspec.structs.asdict(order_view(order)),
        payments=[_attempt(payment) for payment in payments],
        refunds=[_refund(refund) for refund in refunds],
    )


def _attempt(payment: Payment) -> AttemptView:
    return AttemptView(
        payment.id,
        payment.state,
        payment.captured,
        payment.amount,
        payment.currency,
        payment.method,
        payment.error_text or payment.error_reason,
        payment.created_at,
    )


def _refund(refund: Refund) -> RefundView:
    return RefundView(*(getattr(refund, name) for name in RefundView.__struct_fields__))
