"""What payments refuses, besides the codes of the core.

payments.not_for_sale        409: the program takes no money now: a draft, archived, free, or full
payments.coupon_invalid      400: no such coupon, or not for this program, currency or time
payments.coupon_used_up      409: the coupon's limit, in all or of the user, is reached
payments.coupon_code_taken   409: another coupon has this code
payments.amount_too_small    400: less than the vendor takes
payments.bad_signature       400: the signature is not the vendor's
payments.other_order         409: the payment is real, and for another order, amount or currency
payments.order_closed        409: the order is paid, or cannot be paid any more
payments.refund_too_large    409: more than what is left of the payment
payments.refund_not_failed   409: only a failed refund is retried, and each once
payments.nothing_captured    409: there is no money to give back
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import BadInput, Conflict

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "payments.not_for_sale": (409,),
    "payments.coupon_invalid": (400,),
    "payments.coupon_used_up": (409,),
    "payments.coupon_code_taken": (409,),
    "payments.amount_too_small": (400,),
    "payments.bad_signature": (400,),
    "payments.other_order": (409,),
    "payments.order_closed": (409,),
    "payments.refund_too_large": (409,),
    "payments.refund_not_failed": (409,),
    "payments.nothing_captured": (409,),
}


def not_for_sale(why: str) -> Conflict:
    return Conflict(why, code="payments.not_for_sale")


def coupon_invalid(why: str) -> BadInput:
    return BadInput("payments.coupon_invalid", why)


def coupon_used_up() -> Conflict:
    return Conflict("this coupon has been used as often as it may be", code="payments.coupon_used_up")


def coupon_code_taken() -> Conflict:
    return Conflict("another coupon has this code", code="payments.coupon_code_taken")


def amount_too_small(least: int, currency: str) -> BadInput:
    return BadInput("payments.amount_too_small", f"the least that can be paid is {least} minor units of {currency}")


def bad_signature() -> BadInput:
    return BadInput("payments.bad_signature", "this signature is not the payment vendor's")


def other_order() -> Conflict:
    return Conflict("this payment is for another order, amount or currency", code="payments.other_order")


def order_closed(state: str) -> Conflict:
    return Conflict(f"this order is {state}", code="payments.order_closed")


def refund_too_large(left: int, currency: str) -> Conflict:
    message = f"at most {left} minor units of {currency} are left of this payment"
    return Conflict(message, code="payments.refund_too_large")


def refund_not_failed(why: str) -> Conflict:
    return Conflict(why, code="payments.refund_not_failed")


def nothing_captured() -> Conflict:
    return Conflict("no money of this order has been captured", code="payments.nothing_captured")
