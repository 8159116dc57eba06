"""What is read of a gateway's histograms."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from gateway.http.request_metrics import RequestMetrics
from gateway.telemetry.metrics import Metrics
from modules.analytics.latency.histograms import growth, read
from modules.analytics.measures.cells import Cell, Cells
from modules.analytics.measures.latency import percentile


def some(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: count for key, count in counts.items() if count}


def test_requests_of_the_api_are_counted_by_bucket() -> None:
    registry = CollectorRegistry()
    requests = RequestMetrics(registry)
    for seconds in (0.001, 0.004, 0.02, 9.0):
        requests.ended("GET", "/api/v1/programs", 200, seconds)
    requests.ended("POST", "/api/v1/sessions/{id:str}/join", 201, 0.02)
    # A stream of events stays open for an hour; a probe and a page that there is not are none of the API.
    requests.ended("GET", "/realtime/sse", 200, 3600.0)
    requests.ended("GET", "/health/live", 200, 0.001)
    requests.ended("GET", None, 404, 0.001)
    assert some(read(registry)) == {
        ("gateway.rest_seconds", "0.005"): 2,
        ("gateway.rest_seconds", "0.025"): 2,
        ("gateway.rest_seconds", "+Inf"): 1,
    }


def test_chat_messages_are_counted_and_no_other_command() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for seconds in (0.0005, 0.03, 0.03, 60.0):
        metrics.command_seconds.labels("chat.send").observe(seconds)
    metrics.command_seconds.labels("join").observe(0.03)
    assert some(read(registry)) == {
        ("gateway.chat_seconds", "0.001"): 1,
        ("gateway.chat_seconds", "0.035"): 2,
        ("gateway.chat_seconds", "+Inf"): 1,
    }


def test_only_what_came_since_is_told() -> None:
    registry = CollectorRegistry()
    requests = RequestMetrics(registry)
    requests.ended("GET", "/api/v1/programs", 200, 0.02)
    before = read(registry)
    assert growth(read(registry), before) == {}
    requests.ended("GET", "/api/v1/auth/me", 200, 0.02)
    # The bucket below says where this one begins.
    assert growth(read(registry), before) == {("gateway.rest_seconds", "0.01"): 0, ("gateway.rest_seconds", "0.025"): 1}


def test_the_first_bucket_begins_at_nothing() -> None:
    now = {("a", "0.005"): 2, ("a", "0.01"): 0, ("a", "+Inf"): 1, ("b", "0.005"): 1, ("b", "+Inf"): 0}
    assert growth(now, {}) == {("a", "0.005"): 2, ("a", "0.01"): 0, ("a", "+Inf"): 1, ("b", "0.005"): 1}


def test_a_gateway_without_such_metrics_has_nothing() -> None:
    assert read(CollectorRegistry()) == {}


def test_a_percentile_of_it_lies_in_its_bucket() -> None:
    """All requests took 0.2 s: the 95th percentile lies between 0.1 and 0.25 s."""
    registry = CollectorRegistry()
    requests = RequestMetrics(registry)
    for _ in range(20):
        requests.ended("GET", "/api/v1/programs", 200, 0.2)
    cells = Cells({key: Cell(1, count) for key, count in growth(read(registry), {}).items()})
    shown = percentile(cells, "gateway.rest_seconds").shown
    assert shown is not None
    assert 100 < shown <= 250
