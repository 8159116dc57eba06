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
FELT: Final = "chat.latency_felt"
SHARE: Final = 0.95
MS_A_SECOND: Final = 1000.0


def percentile(cells: Cells, name: str, scale: float) -> Parts:
    """The bound under which 95 % of a histogram lie. Its labels are upper bounds, and values how many lie below each.

    Between two bounds they are taken to lie evenly. What is above the last bound is given as that bound.
    """
    bounds = sorted((float(label), cells.value(name, label)) for label in cells.labels(name))
    total = sum(number for _, number in bounds)
    rank = math.ceil(SHARE * total)
    lower, below = 0.0, 0
    for bound, number in bounds:
        if number and below + number >= rank:
            upper = lower if math.isinf(bound) else bound
            return Parts(rank, total, (lower + (upper - lower) * (rank - below) / number) * scale)
        below += number
        if not math.isinf(bound):
            lower = bound
    return Parts(0, 0)


def _of(name: str, scale: float) -> Callable[[Cells], Parts]:
    return lambda cells: percentile(cells, name, scale)


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
        formula=_of(REST, MS_A_SECOND),
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
        formula=_of(CHAT, MS_A_SECOND),
    ),
    CountedMeasure(
        name="chat_latency_felt",
        title="Chat latency on screens",
        unit=Unit.MILLISECONDS,
        definition="The time within which 95 % of chat messages came back to the screen of their author.",
        numerator="Messages that took no longer",
        denominator="Messages that were reported",
        rollups=(FELT,),
        dimensions=TIME,
        lower_is_better=True,
        roles=ADMINS,
        from_clients=True,
        formula=_of(FELT, 1.0),
    ),
)
