"""Measures a burst of webhooks beside a class that chats, in one gateway: `python -m loadtests.webhooks`.

Students buy places, and the stand-in for Razorpay tells nobody. Then all of its webhooks come within ten seconds, and a
part of them twice.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import resource
import time
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import msgspec
import uvloop

from devstack import razorpay
from devstack.people import many_tokens
from gateway.identifier import new_id
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.crowd import Crowd
from loadtests.bench.dialects import KsmpDialect
from loadtests.bench.machine import Others
from loadtests.joining.phase import Class, Phase, each, quantile
from loadtests.stack import Stack

# Payments are told of three times: authorized, captured, and the order is paid.
EVENTS: Final = 3
BAR: Final = 100.0
# Longest answer to a webhook, in ms.
ANSWER: Final = 1000.0
LIMIT: Final = 180.0
SETTINGS: Final = {"KSMP_REQUEST_RATE": "100000", "KSMP_REQUEST_BURST": "100000", "KSMP_ADDRESS_RATE": "100000",
                   "KSMP_ADDRESS_BURST": "100000"}  # fmt: skip


class Burst:
    """The webhooks of paid orders, ready to be sent."""

    def __init__(self, running: Stack, http: httpx.AsyncClient, database: asyncpg.Pool) -> None:
        self._running = running
        self._http = http
        self._database = database
        self._gateway = running.gateways[0]
        self._control = f"{running.aws_endpoint}/_devcloud/razorpay/"
        self._bodies: list[tuple[str, bytes]] = []

    async def prepare(self, count: int) -> None:
        """Let students buy, and keep the `count` webhooks that the stand-in would send, a quarter of them repeats."""
        (await self._http.delete(f"{self._control}webhooks")).raise_for_status()
        program = await self._program()
        orders = -(-count // (EVENTS + 1))

        async def buy(token: str) -> None:
            key = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id()}
            url = f"{self._gateway}/api/v1/payments/orders"
            made = await self._http.post(url, headers=key, json={"program_id": program})
            made.raise_for_status()
            wanted = {"order_id": made.json()["vendor_order_id"]}
            (await self._http.post(f"{self._control}pay", json=wanted)).raise_for_status()

        data = Path(self._running.data)
        await each(list(many_tokens(data, Role.STUDENT, count=orders, prefix="payer", ttl=3600.0)), buy)
        told: list[Any] = (await self._http.get(f"{self._control}events")).json()["events"]
        first = [(new_id(), msgspec.json.encode(event)) for event in told]
        self._bodies = (first + first)[:count]

    async def _program(self) -> str:
        mentor = {"Authorization": f"Bearer {self._running.tokens['mentor']}"}
        url = f"{self._gateway}/api/v1/programs"
        made = await self._http.post(f"{url}/", headers=mentor, json={"title": "Algebra", "price": 49_900})
        made.raise_for_status()
        program = str(made.json()["id"])
        publish = await self._http.post(f"{url}/{program}/publish", headers=mentor | {"If-Match": '"1"'})
        publish.raise_for_status()
        return program

    async def send(self, number: int) -> None:
        """Send one as Razorpay does. Raises RuntimeError when it is not taken."""
        id, body = self._bodies[number]
        signature = hmac.new(razorpay.WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Razorpay-Signature": signature,
            "x-razorpay-event-id": id,
        }
        answer = await self._http.post(f"{self._gateway}{razorpay.ROUTE}", headers=headers, content=body)
        if answer.status_code != 200:
            raise RuntimeError(f"a webhook was answered {answer.status_code}: {answer.text[:200]}")

    async def left(self) -> int:
        """Webhooks that are stored and not handled."""
        found: int = await self._database.fetchval("SELECT count(*) FROM payments_webhook WHERE state = 'received'")
        return found

    async def paid(self) -> int:
        found: int = await self._database.fetchval("SELECT count(*) FROM payments_order WHERE state = 'paid'")
        return found


async def measure(running: Stack, options: argparse.Namespace) -> int:
    # Razorpay keeps no connection for the next webhook.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(limits=limits, timeout=30.0, trust_env=False) as http,
        asyncpg.create_pool(running.database_url, min_size=1, max_size=2) as database,
    ):
        burst = Burst(running, http, database)
        await burst.prepare(options.count)
        crowd = Crowd(running.sockets, KsmpDialect(running.room))
        viewers = many_tokens(Path(running.data), Role.STUDENT, count=options.viewers, prefix="viewer", ttl=3600.0)
        await crowd.enter(list(viewers))
        going = Class(running.gateway_pids, crowd, options.chat)
        await going.settle()
        alone = await going.phase("the chat alone", 0, options.seconds, burst.send)
        others = Others()
        begun = time.monotonic()
        beside = await going.phase(f"{options.count} webhooks", options.count, options.seconds, burst.send)
        waiting = await burst.left()
        # What is stored is handled one after the other: the chat goes on beside that too.
        rest: list[Phase] = []
        while await burst.left() and time.monotonic() - begun < LIMIT:
            rest.append(await going.phase("the rest is handled", 0, 5.0, burst.send))
        share = others.share()
        took, paid = time.monotonic() - begun, await burst.paid()
        await crowd.leave()
    print("\n".join(beside.lines()))
    print(f"chat p99: {alone.chat.p99:.0f} ms alone, {beside.chat.p99:.0f} ms beside the webhooks", end="")
    print(*(f", {one.chat.p99:.0f} ms in 5 s of what followed" for one in rest), sep="")
    print(f"{waiting} were stored and not handled when the last was answered; all were after {took:.0f} s")
    print(f"{paid} orders are paid; share of the machine that others used: {share:.2f}")
    slow = quantile(beside.took, 0.99) >= ANSWER or any(one.chat.p99 >= BAR for one in (beside, *rest))
    return 1 if slow or beside.wrong or not paid else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.webhooks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--count", type=int, default=2000, help="webhooks")
    parser.add_argument("--seconds", type=float, default=10.0, help="within which they come")
    parser.add_argument("--viewers", type=int, default=200, help="of the class")
    parser.add_argument("--chat", type=float, default=8.0, help="messages a second")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return uvloop.run(run(options))


async def run(options: argparse.Namespace) -> int:
    async with stack.placed(**SETTINGS) as running:
        return await measure(running, options)


if __name__ == "__main__":
    raise SystemExit(main())
