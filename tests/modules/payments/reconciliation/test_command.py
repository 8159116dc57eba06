"""`ksmp payments reconcile`: what it compares, heals and prints, and its exit status."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Caller, Running
from modules.payments.reconciliation.settlements import INDIA
from tests.modules.payments.razorpay import StandIn, environ_of
from tests.modules.payments.reconciliation.sales import paid, sale, settled


class Result(NamedTuple):
    exit_code: int
    output: str


Ksmp = Callable[..., Awaitable[Result]]


@pytest.fixture
def ksmp(postgres: str, node: Running, devcloud: str) -> Ksmp:
    settings = node.gateway.settings
    environ = environ_of(devcloud) | {
        "KSMP_ENVIRONMENT": "test",
        "KSMP_DATABASE_URL": postgres,
        "KSMP_NATS_URL": ",".join(settings.nats_url),
        "KSMP_ISSUER": settings.issuer,
        "KSMP_JWKS_URL": settings.jwks_url,
        "KSMP_CLIENT_IDS": ",".join(settings.client_ids),
    }

    async def run(*arguments: str) -> Result:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.cli",
            "payments",
            "reconcile",
            *arguments,
            env=os.environ | environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60.0)
        return Result(process.returncode or 0, output.decode())

    return run


async def cleared(database: asyncpg.Pool[Any]) -> None:
    """What other tests of this worker left: differences, payments without settlements, silence."""
    await database.execute("UPDATE payments_difference SET resolved_at = now(), resolved_by = 'test'")
    await database.execute("UPDATE payments_order SET created_at = created_at - interval '90 days'")
    await database.execute("UPDATE payments_payment SET captured_at = captured_at - interval '900 days'")


async def test_it_heals_and_exits_with_1_while_something_differs(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool[Any], ksmp: Ksmp
) -> None:
    await cleared(database)
    today = clock.now().astimezone(INDIA).date()
    sold, payment = await paid(caller, razorpay)
    lost = await sale(caller)
    await razorpay.no_webhooks()
    await razorpay.pay(lost.vendor_order, closed=True)
    await settled(razorpay)
    since = (today - timedelta(days=1)).isoformat()

    healed = await ksmp("--since", since)
    assert healed.exit_code == 0, healed.output
    assert "orders compared: 2, healed: 1, not compared: 0" in healed.output
    assert "settlements compared: 1 with 2 lines over 2 days, healed: 0" in healed.output
    assert "open differences: 0" in healed.output
    await lost.becomes("paid")
    await lost.enrolled()

    await database.execute("UPDATE payments_payment SET tax = tax + 1 WHERE id = $1", payment)
    differs = await ksmp("--since", since)
    assert differs.exit_code == 1
    assert re.search(rf"settled_tax  {payment}  ours: \d+  theirs: \d+", differs.output), differs.output
    await database.execute("UPDATE payments_payment SET tax = tax - 1 WHERE id = $1", payment)
    assert (await ksmp("--since", since)).exit_code == 0
    assert await sold.state() == "paid"


async def test_an_order_that_cannot_be_compared_is_named(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool[Any], ksmp: Ksmp
) -> None:
    await cleared(database)
    sold = await sale(caller)
    await razorpay.faults(operations={"razorpay.ListPaymentsOfOrder": {"error": "server_error", "times": 1}})
    failed = await ksmp("--since", clock.now().astimezone(INDIA).date().isoformat())
    assert failed.exit_code == 1
    assert f"not compared  {sold.order}" in failed.output, failed.output


async def test_it_says_what_is_wrong_with_the_question(ksmp: Ksmp) -> None:
    assert (await ksmp()).exit_code == 2
    assert (await ksmp("--since", "yesterday")).exit_code == 2
