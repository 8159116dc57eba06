"""How long requests and messages take, from histograms that all gateways keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from modules.analytics.measures.cells import Cells
from modules.analytics.measures.counted import CountedMeasure
from modules.analytics.measures.measure import ADMINS, TIME, Measure, Parts, Unit

REST: Final = "gateway.rest_seconds"
CHAT: Final = "gateway.chat_seconds"
SHARE: Final = 0.95
MS_A_SECOND: Final = 1000.0


def percentile(cells: Cells, name: str) -> Parts:
    """The time under which 95 % of a histogram lie, in milliseconds. Its labels are upper bounds in seconds, and
    values how many lie below each and above the one before.

    Between two bounds they are taken to lie evenly. What is above the last bound is given as that bound.
    """
    bounds = sorted((float(label), cells.value(name, label)) for label in cells.labels(name))
    total = sum(number for _, number in bounds)
    rank = math.ceil(SHARE * total)
    lower, below = 0.0, 0
    for bound, number in bounds:
        if number and below + number >= rank:
            upper = lower if math.isinf(bound) else bound
            return Parts(rank, total, (lower + (upper - lower) * (rank - below) / number) * MS_A_SECOND)
        below += number
        if not math.isinf(bound):
            lower = bound
    return Parts(0, 0)


def _of(name: str) -> Callable[[Cells], Parts]:
    return lambda cells: percentile(cells, name)


MEASURES: Final[tuple[Measure, ...]] = (
    CountedMeasure(
        name="response_time",
        title="Response time",
        unit=Unit.MILLISECONDS,
        definition="The time within which 95 % of requests were answered, by the histograms of the gateways.",
        numerator="Requests that were answered within it",
        denominator="Requests",
        rollups=(REST,),
        dimensions=TIME,
        lower_is_better=True,
        roles=ADMINS,
        formula=_of(REST),
    ),
    CountedMeasure(
        name="chat_latency",
        title="Chat latency",
        unit=Unit.MILLISECONDS,
        definition="The time within which 95 % of chat messages were acknowledged, by the histograms of the gateways.",
        numerator="Messages that took no longer",
        denominator="Messages",
        rollups=(CHAT,),
        dimensions=TIME,
        lower_is_better=True,
        roles=ADMINS,
        formula=_of(CHAT),
    ),
)
