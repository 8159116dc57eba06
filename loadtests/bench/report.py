"""The table: a measure, below it a line a peer with min, median and max, the ratio to Socket.IO and the bar."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import msgspec

from loadtests.bench.machine import Idle, Machine

REFERENCE = "socketio"
SUBJECT = "ksmp"


class Measured(msgspec.Struct):
    """The figures of one peer in one round of one scenario."""

    scenario: str
    peer: str
    round: int
    figures: dict[str, float]


class Report(msgspec.Struct):
    """All of a run, as it is written to the JSON file."""

    machine: Machine
    command: str
    placement: str
    before: Idle
    after: Idle
    measured: list[Measured]
    failed: list[str]


class Row(msgspec.Struct, frozen=True):
    """One measure; `ratio` is a bar on the ratio to Socket.IO, `most` one on the value. At most, but for `least`.

    A row may have both bars; then both are printed.
    """

    figure: str
    title: str
    ratio: float | None = None
    most: float | None = None
    least: bool = False
    digits: int = 1


ROWS = (
    Row("at_20_cpu", "server CPU µs a delivery, 20 messages/s", ratio=0.80),
    Row("at_20_cpu_nats", "  besides: NATS CPU µs a delivery"),
    Row("at_20_cpu_postgres", "  besides: PostgreSQL CPU µs a delivery"),
    Row("at_20_p50", "  latency p50 ms"),
    Row("at_20_p99", "  latency p99 ms"),
    Row("at_20_lost", "  lost or not acknowledged", most=0, digits=0),
    Row("at_20_doubled", "  doubled", most=0, digits=0),
    Row("at_20_generator", "  share of its core the generator used", digits=2),
    Row("at_100_cpu", "server CPU µs a delivery, 100 messages/s", ratio=0.85),
    Row("at_100_cpu_nats", "  besides: NATS CPU µs a delivery"),
    Row("at_100_cpu_postgres", "  besides: PostgreSQL CPU µs a delivery"),
    Row("at_100_p50", "  latency p50 ms"),
    Row("at_100_p99", "  latency p99 ms"),
    Row("at_100_lost", "  lost or not acknowledged", most=0, digits=0),
    Row("at_100_doubled", "  doubled", most=0, digits=0),
    Row("at_100_generator", "  share of its core the generator used", digits=2),
    Row("memory", "memory KiB a connection", most=12),
    Row("connect_cpu", "server CPU µs to connect and join", ratio=1.2, most=600, digits=0),
    Row("back_cpu", "server CPU µs to come back with a position", most=1000, digits=0),
    Row("ceiling", "sustained deliveries/s, p99 < 100 ms, none lost", ratio=4.0, least=True, digits=0),
    Row("ceiling_p99", "  latency p99 ms there"),
    Row("ceiling_generator", "  share of its core the generator used there", digits=2),
    Row("ceiling_by_generator", "  1: the generator was the limit, the server may do more", digits=0),
    Row("stalled_ratio", "p99 with one stalled viewer, times that without", most=1.2, digits=2),
    Row("stalled_without_p99", "  latency p99 ms without"),
    Row("stalled_with_p99", "  latency p99 ms with"),
    Row("stalled_lost", "  lost by the others", most=0, digits=0),
    Row("stalled_closed", "  1: the server closed the stalled viewer", digits=0),
    Row("ten_lost", "10,000 members on two gateways: lost", most=0, digits=0),
    Row("ten_doubled", "  doubled", most=0, digits=0),
    Row("ten_closed", "  sockets closed", most=0, digits=0),
    Row("ten_p50", "  latency p50 ms"),
    Row("ten_p99", "  latency p99 ms"),
    Row("ten_worst", "  latency worst ms"),
    Row("ten_cpu", "  server CPU µs a delivery"),
    Row("ten_memory", "  memory KiB a connection"),
    Row("ten_connect_cpu", "  server CPU µs to connect and join", digits=0),
    Row("ten_generator", "  share of its core the generator used", digits=2),
    Row("restart_cpu", "one of two gateways stops: the other's CPU µs a reconnect", digits=0),
    Row("restart_seconds", "  seconds until all are back"),
    Row("restart_rate", "  reconnects a second", digits=0),
    Row("restart_closed", "  sockets closed at the end", most=0, digits=0),
    Row("others", "share of the machine that others used meanwhile", digits=2),
)


def lines(report: Report) -> Iterator[str]:
    """The report for a terminal."""
    machine = report.machine
    yield f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB, Linux {machine.kernel}"
    yield f"Python {machine.python}, node {machine.node}, " + ", ".join(
        f"{name} {version}" for name, version in machine.versions.items()
    )
    yield report.placement
    for when, idle in (("before", report.before), ("after", report.after)):
        yield f"other load {when}: {idle.busy:.0%} of all cores, {idle.stolen:.0%} stolen, load average {idle.load:.2f}"
    yield from (f"FAILED: {sentence}" for sentence in report.failed)
    yield f"\n{'':58}{'min':>10}{'median':>10}{'max':>10}  × Socket.IO  bar"
    for row in ROWS:
        yield from _row(row, report.measured)


def _row(row: Row, measured: Sequence[Measured]) -> Iterator[str]:
    values: dict[str, list[float]] = {}
    for item in measured:
        if row.figure in item.figures:
            values.setdefault(item.peer, []).append(item.figures[row.figure])
    if not values:
        return
    yield row.title
    medians = {peer: statistics.median(numbers) for peer, numbers in values.items()}
    reference = medians.get(REFERENCE)
    for peer, numbers in values.items():
        shown = "".join(f"{value:10.{row.digits}f}" for value in (min(numbers), medians[peer], max(numbers)))
        ratio = medians[peer] / reference if reference and peer != REFERENCE else None
        compared = "" if ratio is None or row.title.startswith("  ") else f"{ratio:13.3f}"
        yield f"      {peer:52}{shown}{compared}{_verdict(row, peer, medians[peer], ratio)}".rstrip()


def _verdict(row: Row, peer: str, value: float, ratio: float | None) -> str:
    if peer != SUBJECT:
        return ""
    told = ""
    if row.ratio is not None and ratio is not None:
        met = ratio >= row.ratio if row.least else ratio <= row.ratio
        told += f"  {'≥' if row.least else '≤'} {row.ratio:.2f}: {'met' if met else 'NOT MET'}"
    if row.most is not None:
        told += f"  ≤ {row.most:g}: {'met' if value <= row.most else 'NOT MET'}"
    return told
