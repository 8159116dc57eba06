"""The metrics of a gateway for Prometheus."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from gateway.errors import Code, KsmpError

# Buckets around the target of 100 ms.
LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# When a series began is told in as many lines again as there are series, and no dashboard asks.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The collectors of one process; times in seconds."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.connections = Gauge("ksmp_connections", "Open sockets", registry=registry, multiprocess_mode="livesum")
        self.connects = Counter("ksmp_connects", "Connect commands", ["outcome"], registry=registry)
        self.closes = Counter("ksmp_closes", "Sockets closed, by close code", ["code"], registry=registry)
        self.rooms = Gauge("ksmp_rooms", "Rooms this node follows", registry=registry, multiprocess_mode="livesum")
        self.commands = Counter("ksmp_commands", "Commands", ["command", "outcome"], registry=registry)
        self.command_seconds = Histogram(
            "ksmp_command_seconds", "From command to reply", ["command"], registry=registry, buckets=LATENCY
        )
        self.pushes = Counter("ksmp_pushes", "Pushes handed to sockets", ["kind"], registry=registry)
        self.publish_seconds = Histogram(
            "ksmp_publish_seconds", "From publish to the log's acknowledgement", registry=registry, buckets=LATENCY
        )
        self.fan_out = Histogram(
            "ksmp_fan_out_seconds",
            "From stored in the log to written to this node's sockets",
            registry=registry,
            buckets=LATENCY,
        )
        self.gaps = Counter("ksmp_gaps", "Gaps that a message revealed", registry=registry)
        self.recovered = Counter("ksmp_recovered_messages", "Messages read to close a gap", registry=registry)
        self.joins = Counter("ksmp_joins", "Joins, by how they were served", ["recovered"], registry=registry)
        self.snapshot_part_failures = Counter(
            "ksmp_snapshot_part_failures", "Snapshot parts left out after an error", ["part"], registry=registry
        )
        self.bus_up = Gauge("ksmp_nats_up", "1 when NATS is connected", registry=registry, multiprocess_mode="livemin")
        self.log_up = Gauge(
            "ksmp_log_up", "0 while JetStream does not store pushes", registry=registry, multiprocess_mode="livemin"
        )
        self.database_up = Gauge(
            "ksmp_database_up", "1 when PostgreSQL answers", registry=registry, multiprocess_mode="livemin"
        )
        self.archive_lag = Gauge(
            "ksmp_archive_lag_messages",
            "Sequences of the log not archived yet, on the node that archives",
            ["kind"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.archived = Counter("ksmp_archived_messages", "Messages archived", ["kind"], registry=registry)
        self.outbox_unsent = Gauge(
            "ksmp_outbox_unsent_rows",
            "Rows of the outbox not sent yet, on the node that sends",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.outbox_age = Gauge(
            "ksmp_outbox_oldest_seconds",
            "Age of the oldest unsent row, on the node that sends",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.outbox_sent = Counter("ksmp_outbox_sent", "Rows of the outbox sent", ["kind"], registry=registry)
        self.outbox_retries = Counter(
            "ksmp_outbox_retries", "Batches of the outbox that could not be sent whole", registry=registry
        )
        self.event_lag = Gauge(
            "ksmp_event_lag_messages",
            "Events and timers due that a listener or timer has not handled yet",
            ["listener"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.events_handled = Counter(
            "ksmp_events_handled",
            "Events and timers handled (skipped: handled before, cancelled or too old)",
            ["listener", "outcome"],
            registry=registry,
        )
        self.event_seconds = Histogram(
            "ksmp_event_seconds",
            "From published, or due, to handled",
            ["listener"],
            registry=registry,
            buckets=(*LATENCY, 30.0, 120.0, 600.0, 3600.0),
        )
        self.event_retries = Counter(
            "ksmp_event_retries", "Failed tries that are repeated", ["listener"], registry=registry
        )
        self.dead_letters = Counter("ksmp_dead_letters", "Events and timers given up", ["listener"], registry=registry)

    @contextlib.contextmanager
    def command(self, label: str) -> Iterator[None]:
        """Count and time one command. Its outcome is `ok`, or the code of the error that it raises."""
        started = time.perf_counter()
        outcome: str | None = None
        try:
            yield
            outcome = "ok"
        except KsmpError as error:
            outcome = error.code
            raise
        except Exception:
            outcome = Code.INTERNAL.value
            raise
        finally:
            # A command that was cancelled has no outcome.
            if outcome is not None:
                self.commands.labels(label, outcome).inc()
                self.command_seconds.labels(label).observe(time.perf_counter() - started)
