"""Whether a run met its bars."""

from __future__ import annotations

import os

from locust.env import Environment
from locust.stats import StatsEntry

from loadtests.lesson.tally import DUPLICATED, KIND, LATENCY, LOST, RECOVERED

CHAT_P99 = 100
REST_P95 = 200
REST = "/api/v1/auth/me"


def failures(environment: Environment) -> list[str]:
    """The bars that were not met, a sentence each; empty when all is well. Times in ms."""
    stats = environment.stats
    chat, rest = stats.get(LATENCY, KIND), stats.get(REST, "GET")
    found = [
        *_slow("chat latency p99", chat, 0.99, CHAT_P99),
        *_slow("REST p95", rest, 0.95, REST_P95),
        *(f"{count} {name}" for name in (LOST, DUPLICATED) if (count := stats.get(name, KIND).num_failures)),
    ]
    known = {(LOST, KIND), (DUPLICATED, KIND)}
    found += [
        f"{entry.num_failures} failures of {name}"
        for (name, kind), entry in stats.entries.items()
        if entry.num_failures and (name, kind) not in known
    ]
    return found


def summary(environment: Environment) -> str:
    """One line of what was measured."""
    stats = environment.stats
    chat, rest, join = stats.get(LATENCY, KIND), stats.get(REST, "GET"), stats.get("join", KIND)
    return (
        f"{join.num_requests} joins, p99 {_percentile(join, 0.99)} ms; "
        f"{chat.num_requests} deliveries, p50 {_percentile(chat, 0.5)} and p99 {_percentile(chat, 0.99)} ms; "
        f"REST p95 {_percentile(rest, 0.95)} ms; {stats.get('return', KIND).num_requests} returns with "
        f"{stats.get(RECOVERED, KIND).num_requests} messages recovered; "
        f"{stats.get(LOST, KIND).num_failures} lost, {stats.get(DUPLICATED, KIND).num_failures} duplicated; "
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def _slow(name: str, entry: StatsEntry, share: float, bar: int) -> list[str]:
    if not entry.num_requests:
        return [f"{name}: nothing was measured"]
    value = _percentile(entry, share)
    return [f"{name} is {value} ms, the bar is {bar} ms"] if value >= bar else []


def _percentile(entry: StatsEntry, share: float) -> int:
    return int(entry.get_response_time_percentile(share) or 0)
