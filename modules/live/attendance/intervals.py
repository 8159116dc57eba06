"""Intervals of time, merged and counted. Pure: numbers in, numbers out.

An interval is (start, end) in seconds. Its start belongs to it, its end does not. Tabs, nodes and reconnects give one
user many that overlap or nearly touch. Merged, they say when the user was there.
"""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[float, float]


def merged(intervals: Iterable[Interval], gap: float = 0.0) -> list[Interval]:
    """The intervals in order, as few as possible: those that overlap, or are at most `gap` apart, become one.

    Merging twice changes nothing, so parts may be merged before the whole is.
    """
    result: list[Interval] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if result and start - result[-1][1] <= gap:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def clipped(intervals: Iterable[Interval], start: float, end: float) -> list[Interval]:
    """The parts of the intervals that lie between `start` and `end`."""
    cut = ((max(one[0], start), min(one[1], end)) for one in intervals)
    return [one for one in cut if one[0] < one[1]]


def total(intervals: Iterable[Interval]) -> float:
    """Their lengths, added up, in seconds."""
    return sum(end - start for start, end in intervals)


def at_once(intervals: Iterable[Interval], start: float, end: float, step: float) -> list[int]:
    """For each step from `start` to `end`: the most intervals that hold at one time within it."""
    # At one moment the ends come first: somebody who leaves as another comes is not there with them.
    changes = sorted(change for one in intervals for change in ((one[0], 1), (one[1], -1)) if one[0] < one[1])
    counts: list[int] = []
    place = now = number = 0
    while (begin := start + number * step) < end:
        until = min(begin + step, end)
        while place < len(changes) and changes[place][0] <= begin:
            now += changes[place][1]
            place += 1
        most = now
        while place < len(changes) and changes[place][0] < until:
            now += changes[place][1]
            most = max(most, now)
            place += 1
        counts.append(most)
        number += 1
    return counts
