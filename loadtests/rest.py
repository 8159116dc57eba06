"""Measures what REST costs: `python -m loadtests.rest`.

First over the network: the latency of a simple authorized GET, `/api/v1/auth/me`, from one client and from 20 that ask
for as much as they get. Then what each layer adds to a request, without a network: the application is called as a
server calls it, with more and more of its layers, the best of five rounds each.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid
from typing import Any

import httpx
from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.middleware.rate_limit import RateLimitConfig
from prometheus_client import CollectorRegistry

from gateway.app import Gateway
from gateway.auth.policy import anyone, signed_in
from gateway.http import authenticator, cors, problems
from gateway.http.admission import RequestAdmission
from gateway.http.allowed_methods import AllowedMethods
from gateway.http.compression import Compression
from gateway.http.envelope import Envelope
from gateway.http.idempotency import IdempotentRequests, StoredAnswer
from gateway.http.request_metrics import RequestMetrics
from gateway.principal import Principal, Role
from loadtests import alone

ROUNDS = 5
ME = "/api/v1/auth/me"


@get("/bare", policy=anyone(), sync_to_thread=False)
def bare() -> dict[str, str]:
    return {"name": "Ann"}


@get("/known", policy=signed_in(), sync_to_thread=False)
def known(principal: NamedDependency[Principal]) -> dict[str, str]:
    return {"name": principal.name}


async def called(app: Any, path: str, headers: list[tuple[bytes, bytes]]) -> int:
    """Call the application once, as a server does. Returns the status."""
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "server": ("localhost", 80),
        "state": {},
    }
    await app(scope, receive, send)
    return status


async def cost(app: Any, path: str, headers: list[tuple[bytes, bytes]], requests: int) -> float:
    """Microseconds of one request."""
    assert await called(app, path, headers) == 200
    started = time.perf_counter()
    for _ in range(requests):
        await called(app, path, headers)
    return (time.perf_counter() - started) / requests * 1e6


def layers(gateway: Gateway) -> list[tuple[str, Any, str]]:
    """(layer, application, path): each application has the layers before it too."""
    settings = gateway.settings
    made: list[tuple[str, Any]] = [
        ("compression (not wanted by the caller)", Compression(settings.compress_response_bytes)),
        ("OPTIONS", AllowedMethods()),
        ("admission: token, limit, policy", RequestAdmission(gateway.authenticator, gateway.rates, settings)),
        ("idempotency (route without)", IdempotentRequests(gateway.idempotency)),
    ]

    def app(middleware: list[Any], **more: Any) -> Litestar:
        return Litestar(
            [bare, known],
            middleware=middleware,
            dependencies=authenticator.dependencies(),
            plugins=[problems.plugin()],
            logging_config=None,
            openapi_config=None,
            **more,
        )

    result: list[tuple[str, Any, str]] = [("Litestar and a handler", app([]), "/bare")]
    used: list[Any] = []
    for name, middleware in made:
        used.append(middleware)
        result.append((name, app(list(used)), "/bare"))
    result.append(("the principal as a dependency", app(list(used)), "/known"))
    result.append(("CORS (no Origin)", app(list(used), cors_config=cors.config(settings)), "/known"))
    full = app(list(used), cors_config=cors.config(settings))
    full.asgi_handler = Envelope(full.asgi_handler, RequestMetrics(CollectorRegistry()))
    result.append(("envelope: id, headers, metrics", full, "/known"))
    theirs = RateLimitConfig(rate_limit=("minute", 100_000)).middleware
    result.append(
        (
            "for comparison: Litestar's rate limit, in memory, on a bare app, first 500 of a window",
            app([theirs]),
            "/bare",
        )
    )
    return result


async def latencies(url: str, token: str, clients: int, seconds: float) -> list[float]:
    """Seconds of each request. Each of the clients waits for its answer before it sends the next."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as http:
            while (started := time.perf_counter()) < until:
                answer = await http.get(ME)
                took.append(time.perf_counter() - started)
                assert answer.status_code == 200, answer.text

    await asyncio.gather(*(client() for _ in range(clients)))
    return sorted(took)


async def keyed(gateway: Gateway, count: int) -> float:
    """Microseconds that claiming a key and storing an answer take."""
    keys, answer = gateway.idempotency, StoredAnswer(201, [("content-type", "application/json")], b"{}" * 200)
    started = time.perf_counter()
    for _ in range(count):
        key, claim = uuid.uuid4().hex, uuid.uuid4()
        await keys.claim("bench", key, b"x" * 32, claim)
        await keys.finish("bench", key, claim, answer)
    return (time.perf_counter() - started) / count * 1e6


async def main(arguments: argparse.Namespace) -> None:
    rates = {"request_rate": 1e6, "request_burst": 10**9, "address_rate": 1e6, "address_burst": 10**9}
    async with alone.running(arguments.port, **rates) as here:
        token = here.issuer.token("ann", name="Ann", role=Role.STUDENT, ttl=3600.0)
        await measure(here.gateway, f"http://{here.address}", token, arguments)


async def measure(gateway: Gateway, url: str, token: str, arguments: argparse.Namespace) -> None:
    await latencies(url, token, 1, 0.5)
    print(f"GET {ME}, authorized; gateway and clients share this process")
    for clients in (1, arguments.clients):
        took = await latencies(url, token, clients, arguments.seconds)
        p50, p95, p99 = (took[int(len(took) * part)] * 1000 for part in (0.5, 0.95, 0.99))
        rate = len(took) / arguments.seconds
        print(f"  {clients:3} clients  {rate:7.0f}/s  p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  p99 {p99:6.2f} ms")
    print("\nCost of a request by layer, without a network (each with those above it)")
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"accept", b"*/*")]
    found = layers(gateway)
    best = [float("inf")] * len(found)
    for _ in range(ROUNDS):
        # In turn, so that what else the machine does falls on all of them.
        for index, (_, app, path) in enumerate(found):
            best[index] = min(best[index], await cost(app, path, headers, arguments.requests // ROUNDS))
    for index, (name, _, _) in enumerate(found):
        before = best[index - 1] if 0 < index < len(found) - 1 else best[0] if index else 0.0
        print(f"  {best[index]:7.1f} µs  {best[index] - before:+7.1f}  {name}")
    started = time.perf_counter()
    for number in range(100_000):
        gateway.rates.take(f"user {number % 5000}", 20.0, 200)
    print(f"\nA limit's decision: {(time.perf_counter() - started) * 10:.2f} µs")
    print(f"A key claimed and its answer stored: {await keyed(gateway, 500):.0f} µs (two statements)")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--requests", type=int, default=2500, help="for each layer")
    parser.add_argument("--port", type=int, default=8990)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
