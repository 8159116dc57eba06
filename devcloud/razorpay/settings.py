"""Settings of the stand-in for Razorpay. A control call changes them while it runs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
BasisPoints = Annotated[int, msgspec.Meta(ge=0, le=10_000)]

DAY = 86_400.0


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the Dashboard of Razorpay sets, and what a test wants to be otherwise.

    `fee_basis_points` is the price of a payment without tax, by method when `fees_by_method` names it.
    `capture` is the account's choice, `capture_seconds` how long an authorised payment waits for its capture.
    `receipt_repeated` is the answer to a second order with the same receipt and `unique_receipt`: Razorpay's pages
    describe both. `refund` is what becomes of a refund, `refund_seconds` after it was created.
    Without `instant_refunds` a refund that asks for speed `optimum` is processed at normal speed.
    `settlement_fees` shows the sum of the fees in a settlement; Razorpay shows 0 for a normal one.
    """

    key_id: str = "rzp_test_ksmp"
    key_secret: str = "ksmp-test-secret"  # noqa: S105 - the default of a stand-in.
    account_id: str = "acc_KSMPdevcloud01"
    fee_basis_points: BasisPoints = 200
    fees_by_method: dict[str, BasisPoints] = {}
    tax_basis_points: BasisPoints = 1_800
    capture: Literal["automatic", "manual"] = "automatic"
    capture_seconds: Seconds = 3 * DAY
    receipt_repeated: Literal["refuse", "same_order"] = "refuse"
    refund: Literal["processed", "pending", "failed", "reversed"] = "processed"
    refund_seconds: Seconds = 0.0
    instant_refunds: bool = True
    reversal_seconds: Seconds = 2 * DAY
    settlement_days: Annotated[int, msgspec.Meta(ge=0)] = 2
    settlement_fees: bool = False
    webhook_timeout_seconds: Seconds = 5.0
    webhook_first_retry_seconds: Annotated[float, msgspec.Meta(gt=0.0)] = 60.0
    webhook_give_up_seconds: Seconds = DAY
