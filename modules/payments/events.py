"""What payments tells other modules: see `modules/programs/README.md` for what comes of it."""

from __future__ import annotations

import msgspec


class PaymentCaptured(msgspec.Struct, frozen=True, tag="payments.PaymentCaptured"):
    """A user has paid for a place in a program. The same payment may be told of more than once."""

    payment_id: str
    program_id: str
    user_id: str


class PaymentRefunded(msgspec.Struct, frozen=True, tag="payments.PaymentRefunded"):
    """The user has all of the money back."""

    payment_id: str
    program_id: str
    user_id: str
