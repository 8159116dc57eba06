"""Compares facts with rows. Pure: counts in, what agrees and what does not out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from modules.analytics.facade import Counted, SourceCount

NONE = Counted(0, 0)


class Compared(msgspec.Struct, frozen=True):
    """One figure of a day: by its facts, and by its rows."""

    name: str
    label: str
    facts: Counted
    rows: Counted
    agrees: bool


def compared(source: SourceCount, facts: Mapping[str, Counted], rows: Mapping[str, Counted]) -> Iterator[Compared]:
    """What facts and rows of one name say, by label; `facts` are by label too, with whole numbers."""
    facts = {label: one for label, one in facts.items() if not source.labels or label in source.labels}
    if rows.keys() == {""}:
        facts = {
            "": Counted(sum(one.count or 0 for one in facts.values()), sum(one.value or 0 for one in facts.values()))
        }
    for label in sorted({*facts, *rows}):
        counted, said = facts.get(label, NONE), rows.get(label, NONE)
        agrees = _agree(counted.count, said.count, source.shrinks) and _agree(counted.value, said.value, source.shrinks)
        yield Compared(source.name, label, counted, said, agrees)


def _agree(facts: int | None, rows: int | None, shrinks: bool) -> bool:
    if facts is None or rows is None:
        return True
    return facts >= rows if shrinks else facts == rows
