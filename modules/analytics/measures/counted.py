"""Measures that are sums of facts: those of a long time are those of its days, added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modules.analytics.measures.cells import Cells
from modules.analytics.measures.measure import ByCurrency, Dimension, Measure, Parts, Result
from modules.analytics.measures.reading import Reading

Formula = Callable[[Cells], Parts]
# The figure of each kind, by its name. It gets all facts of the time.
Kinds = Callable[[Cells], Mapping[str, Parts]]


@dataclass(frozen=True, kw_only=True)
class CountedMeasure(Measure):
    """`formula` makes the figure of facts: of registers (of each key the latest counts) and of rollups (all count).

    `by_kind` makes one of each kind, where the measure has kinds. For `currencies` the labels are currencies, and the
    formula is applied to the facts of each.
    """

    formula: Formula
    by_kind: Kinds | None = None
    currencies: bool = False

    async def read(self, reading: Reading) -> Result:
        query = reading.query
        if query.by is Dimension.KIND:
            total, previous = await reading.total(), await reading.before()
            groups = {kind: {"": parts} for kind, parts in self._kinds(total).items()}
            return Result(total=self._figures(total, ""), previous=self._figures(previous, ""), groups=groups)
        kind = query.filters.kind
        return Result(
            total=self._figures(await reading.total(), kind),
            previous=self._figures(await reading.before(), kind),
            groups={key: self._figures(cells, kind) for key, cells in (await reading.groups()).items()},
        )

    def _figures(self, cells: Cells, kind: str) -> ByCurrency:
        if self.currencies:
            labels = [label for label in cells.labels(*self.sources) if kind in ("", label)]
            return {label: self.formula(_only(cells, label)) for label in labels}
        if kind:
            return {"": self._kinds(cells).get(kind, Parts(0, 0))}
        return {"": self.formula(cells)}

    def _kinds(self, cells: Cells) -> Mapping[str, Parts]:
        return {} if self.by_kind is None else self.by_kind(cells)


def _only(cells: Cells, label: str) -> Cells:
    return Cells({key: cell for key, cell in cells.found.items() if key[1] == label})
