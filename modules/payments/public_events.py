"""The events of payments that webhooks tell of: ids, times and words of state, and nothing else."""

from __future__ import annotations

from typing import Final

from modules.integrations.facade import PublicEvent
from modules.payments.events import (
    DisputeLost,
    DisputeOpened,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
)

PUBLIC: Final = (
    PublicEvent(PaymentCaptured, "payment", ("payment_id", "order_id", "program_id", "user_id")),
    PublicEvent(PaymentFailed, "payment", ("payment_id", "order_id", "program_id", "user_id")),
    PublicEvent(PaymentRefunded, "payment", ("payment_id", "order_id", "program_id", "user_id", "refund_id", "full")),
    PublicEvent(DisputeOpened, "payment", ("payment_id", "order_id", "dispute_id", "respond_by")),
    PublicEvent(DisputeLost, "payment", ("payment_id", "order_id", "program_id", "user_id", "dispute_id", "full")),
)
