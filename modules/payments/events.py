"""What payments tells other modules. `modules/programs/PLACES.md` says what programs does with it."""

from __future__ import annotations

import msgspec


class PaymentCaptured(msgspec.Struct, frozen=True, tag="payments.PaymentCaptured"):
    """A user has paid for a place in a program. The event of one payment may come more than once."""

    payment_id: str
    program_id: str
    user_id: str


class PaymentRefunded(msgspec.Struct, frozen=True, tag="payments.PaymentRefunded"):
    """The user has all of the money back."""

    payment_id: str
    program_id: str
    user_id: str
