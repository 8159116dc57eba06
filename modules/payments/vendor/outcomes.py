"""How a call of Razorpay ends, when it does not end well.

Rejected         Razorpay said no, and nothing happened
NotFound         Razorpay has no such thing
Unavailable      of gateway/errors.py: it was certainly not done; the same call may succeed later
└── Declined     Razorpay itself said so
UnknownOutcome   it may have been done: Razorpay is asked before anybody tries again

A read that could not be answered is Unavailable, whatever the reason.
"""

from __future__ import annotations

from gateway.errors import Code, KsmpError, Unavailable


class Rejected(Exception):
    """Razorpay said no; nothing happened. The texts are Razorpay's own, as its errors carry them."""

    def __init__(self, code: str, description: str, *, reason: str = "", field: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {description}" + (f" ({reason})" if reason else ""))
        self.code = code
        self.description = description
        # The machine's word for why, such as `input_validation_failed`; empty where there is none.
        self.reason = reason
        # The field of the request that is at fault, if it is one.
        self.field = field
        self.status = status


class NotFound(Exception):
    """Razorpay has no such thing."""


class Declined(Unavailable):
    """Razorpay answered that it does not do it now: we ask too often, or it refuses our key."""


class UnknownOutcome(KsmpError):
    """Razorpay may have done it: the answer was lost, or says nothing. No `Unavailable`, which says that it was not."""

    temporary = True
    status = 503

    def __init__(self, why: str, operation: str = "") -> None:
        super().__init__(Code.UNAVAILABLE, "it is not known yet what became of the payment; ask again in a while")
        # For logs: `timeout`, `status 502`, `ConnectionError` …
        self.why = why
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.operation}: {self.why}"
