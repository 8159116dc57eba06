"""The alarm of lost webhooks: money is captured, and the vendor tells of nothing.

Razorpay switches a webhook off after a day of failures, and somebody may point it elsewhere. Then every payment is
still found, by the payer's page or by a comparison, and nobody would notice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.contract import Database
from modules.payments.reconciliation import metrics
from modules.payments.reconciliation.differences import Differences
from modules.payments.settings import ReconciliationSettings

log = structlog.get_logger(__name__)

KIND: Final = "webhook_silence"
SUBJECT: Final = "razorpay"
# The first money since the last webhook. What a webhook itself told of was captured before it was handled.
UNHEARD: Final = """
    WITH last AS (SELECT max(coalesce(handled_at, received_at)) AS at FROM payments_webhook)
    SELECT last.at AS last, (
        SELECT min(captured_at) FROM payments_payment WHERE captured AND captured_at > coalesce(last.at, '-infinity')
    ) AS unheard
    FROM last
"""


class WebhookSilence:
    def __init__(self, database: Database, settings: ReconciliationSettings) -> None:
        self._database = database
        self._longest = timedelta(seconds=settings.webhook_silence)
        self._differences = Differences(database)

    async def check(self, now: datetime) -> bool:
        """Whether webhooks are silent for too long. Raises Unavailable."""
        (row,) = await self._database.fetch(UNHEARD)
        unheard: datetime | None = row["unheard"]
        silence = now - unheard if unheard is not None else timedelta()
        metrics.webhook_silence.set(max(silence.total_seconds(), 0.0))
        if silence <= self._longest:
            await self._differences.agree(KIND, SUBJECT)
            return False
        last = row["last"].isoformat(timespec="seconds") if row["last"] is not None else "never"
        detail = "payments are captured and no webhook comes: look at Razorpay's dashboard whether it is switched off"
        await self._differences.note(KIND, SUBJECT, detail, ours=f"last webhook: {last}")
        log.error("reconciliation.webhooks_silent", last=last, seconds=int(silence.total_seconds()))
        return True
