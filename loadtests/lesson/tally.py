"""Counts and times, handed to Locust twice a second. An event for each delivery would cost more than all the rest."""

from __future__ import annotations

import time
from collections import Counter

import gevent
from locust.env import Environment
from locust.stats import bucket_response_time

KIND = "WS"
LATENCY = "chat latency"
RECOVERED = "recovered"
LOST = "lost"
DUPLICATED = "duplicated"
FLUSH = 0.5


class Wrong(Exception):
    """Something that must not happen; a failure in Locust's statistics."""


class Tally:
    """Counts what the participants of this process saw."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._latencies: Counter[int] = Counter()
        self._recovered = 0

    def run(self) -> None:
        """Hand the counts to Locust, until the process ends."""
        while True:
            gevent.sleep(FLUSH)
            self.flush()

    def delivered(self, seconds: float) -> None:
        """Count a message and its latency."""
        # The clocks of two machines may differ by more than a delivery takes.
        self._latencies[max(0, round(seconds * 1000))] += 1

    def recovered(self, count: int) -> None:
        self._recovered += count

    def timed(self, name: str, seconds: float) -> None:
        self._environment.events.request.fire(
            request_type=KIND, name=name, response_time=seconds * 1000, response_length=0, exception=None, context={}
        )

    def wrong(self, name: str, what: str) -> None:
        """Count something that was lost, doubled, or refused by mistake."""
        self._environment.events.request.fire(
            request_type=KIND, name=name, response_time=0, response_length=0, exception=Wrong(what), context={}
        )

    def flush(self) -> None:
        latencies, self._latencies = self._latencies, Counter()
        self._add(LATENCY, latencies)
        recovered, self._recovered = self._recovered, 0
        self._add(RECOVERED, Counter({0: recovered}) if recovered else Counter())

    def _add(self, name: str, times: Counter[int]) -> None:
        """Does what `StatsEntry.log` does, for many at once."""
        count = times.total()
        if not count:
            return
        entry, now = self._environment.stats.get(name, KIND), time.time()
        entry.num_requests += count
        entry.num_reqs_per_sec[int(now)] += count
        entry.last_request_timestamp = now
        entry.total_response_time += sum(ms * number for ms, number in times.items())
        entry.min_response_time = (
            min(times) if entry.min_response_time is None else min(entry.min_response_time, *times)
        )
        entry.max_response_time = max(entry.max_response_time, *times)
        for ms, number in times.items():
            entry.response_times[bucket_response_time(ms)] += number
