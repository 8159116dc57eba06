"""All measures, by their names. MEASURES.md is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from modules.analytics.errors import unknown_measure
from modules.analytics.measures import attendance, completion, engagement, grading, latency, retention, sales
from modules.analytics.measures.measure import Dimension, Measure


class Registry:
    """Raises ValueError for measures that contradict each other or themselves."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.all = tuple(measures)
        self._by_name: Mapping[str, Measure] = {measure.name: measure for measure in measures}
        for fault in _faults(measures):
            raise ValueError(fault)

    def find(self, name: str) -> Measure:
        """Raises BadInput `analytics.unknown_measure`."""
        measure = self._by_name.get(name)
        if measure is None:
            raise unknown_measure(name)
        return measure

    def check_sources(self, of_clients: Collection[str]) -> None:
        """Raise ValueError for a measure that counts what clients send without saying so."""
        for measure in self.all:
            if not measure.from_clients and (sent := {*measure.sources} & {*of_clients}):
                raise ValueError(f"the measure {measure.name} counts {min(sent)}, which clients send")


def built_in() -> Registry:
    """The measures of this package."""
    families = (attendance, engagement, completion, grading, retention, sales, latency)
    return Registry([measure for family in families for measure in family.MEASURES])


def _faults(measures: Sequence[Measure]) -> list[str]:
    faults = [
        f"two measures are named {name}" for name, times in Counter(one.name for one in measures).items() if times > 1
    ]
    registers = {name for measure in measures for name in measure.registers}
    for measure in measures:
        # The two are counted in one place, by name.
        faults += [
            f"{measure.name} adds up {name}, of which the latest counts"
            for name in measure.rollups
            if name in registers
        ]
        if measure.personal and measure.rollups:
            faults.append(f"{measure.name} is personal, but rollups tell no users apart")
        if (Dimension.KIND in measure.dimensions) != bool(measure.kinds):
            faults.append(f"{measure.name} does not say what its kinds are")
    return faults
