"""Counts of facts, as measures add them up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec


class Cell(msgspec.Struct, frozen=True):
    """How many facts there are of one name and label, and the sum of their values."""

    count: int
    value: int

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.count + other.count, self.value + other.value)


ZERO: Final = Cell(0, 0)


class Cells(msgspec.Struct, frozen=True):
    """The facts of one time or one key, by name and label."""

    found: Mapping[tuple[str, str], Cell] = {}

    def count(self, name: str, *labels: str) -> int:
        """How many facts of a name have one of these labels; without a label, of all."""
        return self._sum(name, labels).count

    def value(self, name: str, *labels: str) -> int:
        """The sum of their values."""
        return self._sum(name, labels).value

    def labels(self, *names: str) -> list[str]:
        """The labels that facts of these names have, in order."""
        return sorted({label for name, label in self.found if name in names})

    def _sum(self, name: str, labels: tuple[str, ...]) -> Cell:
        # A name has few labels, and most names are of another measure.
        cells = (cell for (of, label), cell in self.found.items() if of == name and (not labels or label in labels))
        return sum(cells, ZERO)


def added(parts: Iterable[Cells]) -> Cells:
    """All facts of several times or keys together."""
    found: dict[tuple[str, str], Cell] = {}
    for part in parts:
        for key, cell in part.found.items():
            found[key] = found.get(key, ZERO) + cell
    return Cells(found)
