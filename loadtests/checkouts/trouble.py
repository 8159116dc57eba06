"""What goes wrong meanwhile: the vendor's calls and webhooks by chance, and gateways that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec

from devstack import state
from loadtests.checkouts.shop import Shop

# What may happen to a call of the vendor. `after`: the money has moved, and its answer is lost.
FAILURES: Final = (
    {"error": "cut", "when": "after"},
    {"error": "cut"},
    {"error": "html"},
    {"error": "server_error", "when": "after"},
    {"error": "too_many_requests"},
    {"error": "html_ok", "when": "after"},
    {"hang": 1.0},
    # Longer than a gateway waits.
    {"hang": 4.0},
)
OPERATIONS: Final = (
    "CreateOrder",
    "FetchOrder",
    "ListOrders",
    "ListPaymentsOfOrder",
    "FetchPayment",
    "CapturePayment",
    "CreateRefundOfPayment",
    "ListRefundsOfPayment",
    "FetchRefund",
    "CreatePaymentLink",
    "ListPaymentLinks",
    "*",
)
# Seconds in which one draw of failures holds.
TURN: Final = 1.5


class Trouble:
    """`share` of all calls and webhooks; a gateway dies every few seconds of `kills`."""

    def __init__(self, shop: Shop, share: float, kills: tuple[float, float] | None) -> None:
        self._shop = shop
        self._share = share
        self._kills = kills
        self.counts: Counter[str] = Counter()

    async def vendor(self) -> None:
        """Draw anew what fails, until cancelled."""
        drawn = self._shop.random
        while True:
            failing: dict[str, Any] = {
                f"razorpay.{name}": dict(drawn.choice(FAILURES), probability=self._share) for name in OPERATIONS
            }
            part = self._share / 4
            webhooks = {
                "lose": part,
                "repeat": part,
                "delay": part,
                "delay_seconds": 900.0,
                "delay_varies": True,
                "reorder": part,
                "hold_seconds": 600.0,
                "seed": drawn.randrange(1 << 30),
            }
            await self._shop.faults({"operations": failing, "webhooks": webhooks, "seed": drawn.randrange(1 << 30)})
            await asyncio.sleep(TURN)

    async def gateways(self) -> None:
        """Kill one after the other, until cancelled; `ksmp dev` starts it again."""
        if self._kills is None:
            return
        while True:
            await asyncio.sleep(self._shop.random.uniform(*self._kills))
            pids = await asyncio.to_thread(_pids, Path(self._shop.running.data))
            if not pids:
                continue
            try:
                os.kill(self._shop.random.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.counts["gateways killed"] += 1


def _pids(data: Path) -> list[int]:
    """The gateways that run now; none while the file is being replaced."""
    try:
        return [pid for pid in state.read(data / "dev.json").pids.gateways if pid]
    except (OSError, msgspec.DecodeError):
        return []
