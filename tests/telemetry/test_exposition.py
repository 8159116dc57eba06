"""The metrics of several workers, told by their parent at an address of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError, replace
from gateway.telemetry.exposition import FOLDER, exposed
from ksmp_testkit.settings import settings_maker

# A worker: it counts, says so, and lives until its input ends.
WORKER = """
import sys
from prometheus_client import CollectorRegistry
from gateway.telemetry.metrics import Metrics
metrics = Metrics(CollectorRegistry())
metrics.connections.set(3)
metrics.gaps.inc()
print("counted", flush=True)
sys.stdin.read()
"""


def scrape(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def worker(folder: Path) -> subprocess.Popen[str]:
    one = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=os.environ | {FOLDER: str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert one.stdout is not None
    assert one.stdout.readline() == "counted\n"
    return one


def test_workers_are_summed_and_the_dead_have_no_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    workers = [worker(tmp_path), worker(tmp_path)]
    try:
        with exposed("127.0.0.1:0") as port:
            both = scrape(port)
            assert (both["ksmp_connections"], both["ksmp_gaps_total"]) == (6, 2)
            workers[0].kill()
            workers[0].wait()
            one = scrape(port)
            # What it counted stays counted.
            assert (one["ksmp_connections"], one["ksmp_gaps_total"]) == (3, 2)
    finally:
        for each in workers:
            each.kill()
            each.communicate()


def test_an_address_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        expected = f"{address} cannot be listened on for metrics"
        with pytest.raises(SettingsError, match=expected) as caught, exposed(address):
            pass
    assert "KSMP_METRICS_ADDRESS" in str(caught.value)


def test_an_empty_address_serves_nothing() -> None:
    with exposed("") as port:
        assert port == 0


@pytest.mark.parametrize("address", ["9464", ":9464", "host", "::1:9464", "http://host:1", "host:port"])
def test_what_is_no_address_is_refused(address: str) -> None:
    made = settings_maker("postgresql://somewhere", ("nats://somewhere",), Path())()
    with pytest.raises(SettingsError, match="KSMP_METRICS_ADDRESS must be host:port"):
        replace(made, metrics_address=address)


def test_a_second_gateway_of_a_machine_starts_without_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    with exposed("127.0.0.1:0") as port:
        monkeypatch.setattr(Settings, "metrics_address", f"127.0.0.1:{port}")
        with exposed(Settings.metrics_address) as second:
            assert second == 0
        assert scrape(port)
