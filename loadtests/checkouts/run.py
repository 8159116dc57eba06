"""One run: students buy amid trouble, then time passes without it, and the books are compared."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from devstack.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.checkouts import verdict
from loadtests.checkouts.customer import SCENARIOS, Customer
from loadtests.checkouts.shop import Shop
from loadtests.checkouts.trouble import Trouble

GATEWAYS: Final = 2
# What takes minutes and hours in production takes seconds here.
SETTINGS: Final = {
    "KSMP_PAYMENTS_RAZORPAY_TIMEOUT": "3",
    "KSMP_PAYMENTS_RAZORPAY_PAUSE": "0.5",
    "KSMP_PAYMENTS_ORDER_LIFE": "45",
    "KSMP_PAYMENTS_EXPIRY_GRACE": "2",
    "KSMP_PAYMENTS_RECONCILE_INTERVAL": "1",
    "KSMP_PAYMENTS_RECONCILE_FIRST": "5",
    "KSMP_PAYMENTS_RECONCILE_MOST": "10",
    "KSMP_PAYMENTS_RECONCILE_BATCH": "100",
    "KSMP_PAYMENTS_REFUND_RETRY": "2",
    "KSMP_PAYMENTS_REFUND_RETRY_LONGEST": "5",
    "KSMP_PAYMENTS_SELLER_STATE": "29",
    "KSMP_PAYMENTS_SELLER_NAME": "KSMP Learning",
    "KSMP_EVENT_BACKOFF_MOST": "5",
    # A killed gateway keeps the keys of its requests for so long. Clients wait through more than one such kill.
    "KSMP_IDEMPOTENCY_LEASE": "20",
    "KSMP_ADDRESS_RATE": "100000",
    "KSMP_ADDRESS_BURST": "100000",
    "KSMP_REQUEST_RATE": "100000",
    "KSMP_REQUEST_BURST": "100000",
}
DAY: Final = 86_400.0
# Longest time until everything has come to its end, once nothing fails any more.
LIMIT: Final = 240.0


@dataclass
class Result:
    """What happened, and every promise that was broken."""

    seconds: float = 0.0
    scenarios: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    totals: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        groups = (("checkouts", self.scenarios), ("what happened", self.counts), ("the vendor's books", self.totals))
        lines = [f"{sum(self.scenarios.values())} checkouts in {self.seconds:.0f} s"]
        for title, group in groups:
            lines += ["", f"{title}:", *(f"  {count:>12,}  {name}" for name, count in sorted(group.items()))]
        lines += ["", f"{len(self.faults)} fault(s)", *(f"  {fault}" for fault in self.faults[:50])]
        return "\n".join(lines)


async def run(
    count: int, *, seed: int, share: float = 0.3, kills: tuple[float, float] | None, at_once: int = 25
) -> Result:
    """`count` checkouts, `at_once` at the same time; `kills` are the least and most seconds between two kills."""
    result = Result()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
    async with (
        stack.running(GATEWAYS, **SETTINGS) as running,
        httpx.AsyncClient(limits=limits, timeout=20.0, trust_env=False) as http,
        asyncpg.create_pool(running.database_url, min_size=1, max_size=4) as database,
    ):
        shop = Shop(running, http, database, seed)
        await shop.open(5, max(3, count // 20))
        begun = time.monotonic()
        trouble = Trouble(shop, share, kills)
        going_wrong = [asyncio.create_task(trouble.vendor()), asyncio.create_task(trouble.gateways())]
        try:
            await _all(shop, count, at_once, result)
        finally:
            for one in going_wrong:
                one.cancel()
            await asyncio.gather(*going_wrong, return_exceptions=True)
            await shop.faults({})
        left = await _end(shop, database)
        books = await shop.drive("GET", "books")
        result.seconds = time.monotonic() - begun
        result.faults += [f"not finished after {LIMIT:.0f} s: {number} {name}" for name, number in left.items()]
        result.faults += await verdict.faults(database, books)
        result.counts += trouble.counts
        result.counts["requests repeated"] = shop.repeats
        result.totals = books["totals"]
        result.counts |= await _counted(database)
    return result


async def _all(shop: Shop, count: int, at_once: int, result: Result) -> None:
    """Every student buys; an error of one is a fault."""
    tokens = many_tokens(Path(shop.running.data), Role.STUDENT, count=count, prefix="buyer", ttl=3600.0)
    names, weights = list(SCENARIOS), list(SCENARIOS.values())
    gate = asyncio.Semaphore(at_once)

    async def one(number: int, token: str, scenario: str) -> None:
        async with gate:
            try:
                await Customer(shop, str(number), token, scenario, result.counts).buy()
            except Exception as error:
                result.faults.append(f"buyer {number} ({scenario}): {type(error).__name__}: {error}")

    chosen = shop.random.choices(names, weights, k=count)
    result.scenarios.update(chosen)
    await asyncio.gather(*(one(number, token, chosen[number]) for number, token in enumerate(tokens)))


async def _end(shop: Shop, database: asyncpg.Pool) -> dict[str, int]:
    """Let four days pass at the vendor, then wait until everything has come to its end. What has not, by what."""
    for _ in range(4):
        await shop.drive("POST", "clock/advance", json={"seconds": DAY})
        await shop.drive("POST", "webhooks/settle")
    until = time.monotonic() + LIMIT
    while left := await verdict.unfinished(database, await shop.drive("GET", "books")):
        if time.monotonic() > until:
            break
        await asyncio.sleep(1.0)
    return left


async def _counted(database: asyncpg.Pool) -> dict[str, Any]:
    rows = await database.fetch(
        """
        SELECT 'orders ' || state AS name, count(*) AS number FROM payments_order GROUP BY state
        UNION ALL SELECT 'refunds ' || state || ': ' || origin, count(*) FROM payments_refund GROUP BY state, origin
        UNION ALL SELECT 'webhooks ' || state, count(*) FROM payments_webhook GROUP BY state
        UNION ALL SELECT 'differences: ' || kind, count(*) FROM payments_difference GROUP BY kind
        UNION ALL SELECT 'invoices', count(*) FROM payments_invoice WHERE refund_id IS NULL
        UNION ALL SELECT 'credit notes', count(*) FROM payments_invoice WHERE refund_id IS NOT NULL
        UNION ALL SELECT 'ledger transactions', count(*) FROM payments_ledger_transaction
        """
    )
    return {row["name"]: row["number"] for row in rows}
