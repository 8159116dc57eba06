"""What of an amount Razorpay can move."""

from __future__ import annotations

from gateway.localization.currencies import minor_digits


def payable(amount: int, currency: str) -> int:
    """As much of an amount as Razorpay moves: with three digits the last one is 0 ("Supported Currencies")."""
    return amount - amount % 10 if minor_digits(currency) == 3 else amount
