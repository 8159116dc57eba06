"""Reads the histograms that a gateway keeps for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry

# By name of a fact and upper bound of a bucket in seconds, as Prometheus writes it: how many.
Counts: TypeAlias = Mapping[tuple[str, str], int]

REST: Final = "gateway.rest_seconds"
CHAT: Final = "gateway.chat_seconds"

# Answers of the API. Event streams, pages and probes are left out.
API: Final = "/api/v1/"
SEND: Final = "chat.send"

# The series that each fact is made of, and which of its samples count.
SERIES: Final[Mapping[str, tuple[str, Callable[[Mapping[str, str]], bool]]]] = {
    REST: ("ksmp_request_duration_seconds_bucket", lambda labels: labels["path"].startswith(API)),
    CHAT: ("ksmp_command_seconds_bucket", lambda labels: labels["command"] == SEND),
}


def read(registry: CollectorRegistry) -> Counts:
    """How many there were in each bucket since the process began. It takes some milliseconds."""
    found: dict[tuple[str, str], int] = {}
    for name, (series, counts) in SERIES.items():
        for metric in registry.restricted_registry([series]).collect():
            below = 0
            for sample in metric.samples:
                # Those of one label set follow each other, each with all that are below.
                if not counts(sample.labels):
                    continue
                bound = sample.labels["le"]
                key = (name, bound)
                found[key] = found.get(key, 0) + int(sample.value) - below
                below = 0 if bound == "+Inf" else int(sample.value)
    return found


def growth(now: Counts, before: Counts) -> Counts:
    """What came since, without empty buckets but those just below others.

    A percentile lies between the bounds of its bucket. The lower one is that of the bucket below.
    """
    found: dict[tuple[str, str], int] = {}
    below: tuple[str, str] | None = None
    for key in sorted(now, key=lambda key: (key[0], float(key[1]))):
        grown = now[key] - before.get(key, 0)
        if grown > 0:
            if below is not None and below[0] == key[0]:
                found.setdefault(below, 0)
            found[key] = grown
        below = key
    return found
