"""What a load balancer and a scraper are told, and who is not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import prometheus_client
import pytest

from gateway.telemetry.exposition import exposed
from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


async def started(running: Running) -> None:
    async with asyncio.timeout(10):
        while not running.server.started:
            await asyncio.sleep(0.01)


async def test_live_and_ready(node: Running, http: httpx.AsyncClient) -> None:
    live = await http.get("/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "ok", "parts": {}})
    async with asyncio.timeout(5):
        while (ready := await http.get("/health/ready")).json()["status"] != "ok":
            await asyncio.sleep(0.01)
    assert ready.status_code == 200
    assert ready.json()["parts"] == {"gateway": "ok", "nats": "ok", "postgresql": "ok"}


async def test_starting_without_nats(gateway: MakeGateway) -> None:
    async with gateway(nats_url=(f"nats://127.0.0.1:{closed_port()}",), ready=False) as running:
        await started(running)
        async with httpx.AsyncClient(base_url=running.url) as http:
            assert (await http.get("/health/live")).status_code == 200
            ready = await http.get("/health/ready")
            assert ready.status_code == 503
            assert ready.json()["status"] == "unavailable"
            assert ready.json()["parts"]["gateway"] == "starting"
            assert ready.json()["parts"]["nats"] == "away"


async def test_not_alive_when_nats_is_away_for_long(gateway: MakeGateway) -> None:
    url = (f"nats://127.0.0.1:{closed_port()}",)
    async with gateway(nats_url=url, bus_dead_after=0.2, ready=False) as running:
        await started(running)
        async with httpx.AsyncClient(base_url=running.url) as http:
            async with asyncio.timeout(5):
                while (live := await http.get("/health/live")).status_code == 200:
                    await asyncio.sleep(0.01)
            assert (live.status_code, live.json()) == (503, {"status": "unavailable", "parts": {"nats": "away"}})


async def test_degraded_without_postgresql(
    gateway: MakeGateway, node: Running, token: MakeToken, create_session: CreateSession
) -> None:
    url = f"postgresql://nobody:hidden@127.0.0.1:{closed_port()}/ksmp"
    session = await create_session()
    async with gateway(database_url=url) as running:
        async with httpx.AsyncClient(base_url=running.url) as http:
            ready = await http.get("/health/ready")
            assert ready.status_code == 200
            assert ready.json() == {
                "status": "degraded",
                "parts": {"gateway": "ok", "nats": "ok", "postgresql": "away"},
            }
        # People still come in by what their token says; what needs a row has to wait.
        async with connected(running.ws_url, token("ann", name="Ann")) as client:
            ok = client.received[0]["ok"]
            assert ok["user"]["name"] == "Ann"
            assert set(ok["rooms"]) == {"user:ann", "announce:all", "announce:student"}
            with pytest.raises(WireError) as caught:
                await client.join(f"session:{session}")
            assert caught.value.code == "unavailable"
            assert caught.value.temporary is True


async def test_draining(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    async with (
        gateway(failpoints="ack.delay=delay:0.5") as running,
        httpx.AsyncClient(base_url=running.url) as http,
        connected(running.ws_url, token("one")) as client,
    ):
        assert (await http.get("/health/ready")).status_code == 200
        await client.join(room)
        await client.send("chat.send", room=room, data={"text": "begun"})
        await client.settle()
        stopping = asyncio.create_task(running.stop())
        await client.closed()
        ready = await http.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["parts"]["gateway"] == "draining"
        await stopping


METRICS = {
    "ksmp_connections",
    "ksmp_connects_total",
    "ksmp_closes_total",
    "ksmp_rooms",
    "ksmp_commands_total",
    "ksmp_command_seconds",
    "ksmp_pushes_total",
    "ksmp_publish_seconds",
    "ksmp_fan_out_seconds",
    "ksmp_gaps_total",
    "ksmp_recovered_messages_total",
    "ksmp_joins_total",
    "ksmp_nats_up",
    "ksmp_database_up",
    "ksmp_archive_lag_messages",
    "ksmp_archived_messages_total",
    "ksmp_requests_total",
    "ksmp_requests_in_progress",
    "ksmp_request_duration_seconds",
}


@pytest.fixture
def scraped() -> Iterator[str]:
    """The address of this process' metrics, as `ksmp serve` has one."""
    with exposed("127.0.0.1:0") as port:
        yield f"http://127.0.0.1:{port}/metrics"


async def test_metrics(gateway: MakeGateway, token: MakeToken, room: str, scraped: str) -> None:
    """On the registry of the process, as a gateway of its own process has it."""
    collectors = prometheus_client.REGISTRY
    async with gateway(collectors=collectors) as running:
        try:
            async with connected(running.ws_url, token("one")) as client:
                await client.join(room)
                await client.say(room, "hi")
                await client.expect_push("chat.message")
                async with httpx.AsyncClient(base_url=running.url) as http:
                    await http.get("/health/live")
                    lines = (await http.get(scraped)).text.splitlines()
            assert {line.split()[2] for line in lines if line.startswith("# TYPE")} >= METRICS
            samples = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
            assert float(samples["ksmp_connections"]) == 1
            assert float(samples["ksmp_nats_up"]) == 1
            assert float(samples['ksmp_commands_total{command="chat.send",outcome="ok"}']) == 1
            assert float(samples['ksmp_connects_total{outcome="ok"}']) == 1
            assert float(samples["ksmp_publish_seconds_count"]) == 1
            assert float(samples["ksmp_fan_out_seconds_count"]) == 1
            assert not any(room in name for name in samples)
            assert float(samples['ksmp_requests_total{method="GET",path="/health/live",status_code="200"}']) == 1
            assert not any("_created" in name for name in samples)
        finally:
            for collector in (*vars(running.gateway.metrics).values(), *running.gateway.request_metrics.collectors):
                collectors.unregister(collector)


class Rendering:
    """A collector that notes which threads rendered it."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def collect(self) -> Iterator[prometheus_client.Metric]:
        self.threads.add(threading.get_ident())
        yield prometheus_client.Metric("ksmp_test_rendering", "A test's own", "gauge")


@pytest.fixture
def rendering() -> Iterator[Rendering]:
    collector = Rendering()
    prometheus_client.REGISTRY.register(collector)
    # The registry has asked for its names.
    collector.threads.clear()
    yield collector
    prometheus_client.REGISTRY.unregister(collector)


async def test_the_public_port_has_no_metrics(node: Running, http: httpx.AsyncClient, token: MakeToken) -> None:
    for headers in ({}, {"Authorization": f"Bearer {token('ann')}"}):
        assert (await http.get("/metrics", headers=headers)).status_code == 404


async def test_the_public_port_has_metrics_for_a_token_alone(
    gateway: MakeGateway, token: MakeToken, rendering: Rendering
) -> None:
    async with (
        gateway(metrics_token="s3cret", address_burst=6, address_rate=0.001) as running,
        httpx.AsyncClient(base_url=running.url) as http,
    ):
        for given in ("", "Bearer", "Bearer s3cre", "s3cret", f"Bearer {token('admin', role='admin')}"):
            refused = await http.get("/metrics", headers={"Authorization": given} if given else {})
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated"), given
            assert "ksmp_connections" not in refused.text
        assert not rendering.threads
        scrape = await http.get("/metrics", headers={"Authorization": "Bearer s3cret"})
        assert scrape.status_code == 200
        assert "ksmp_test_rendering" in scrape.text
        # Whoever guesses is limited as any other.
        assert (await http.get("/metrics", headers={"Authorization": "Bearer guess"})).status_code == 429
    assert threading.get_ident() not in rendering.threads


async def test_a_scrape_does_not_hold_the_event_loop(scraped: str, rendering: Rendering) -> None:
    async with httpx.AsyncClient() as http:
        assert "ksmp_test_rendering" in (await http.get(scraped)).text
    assert rendering.threads
    assert threading.get_ident() not in rendering.threads
