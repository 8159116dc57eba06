"""When facts and rows agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import pytest

from gateway.contract import Database
from modules.analytics.comparison.compared import compared
from modules.analytics.facade import Counted, SourceCount

SOME = Counted(2, 70)


async def never(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    raise AssertionError("nobody asks")


def found(
    facts: Mapping[str, Counted],
    rows: Mapping[str, Counted],
    *,
    labels: Collection[str] = (),
    shrinks: bool = False,
) -> dict[str, bool]:
    source = SourceCount(name="test.done", count=never, labels=labels, shrinks=shrinks)
    return {one.label: one.agrees for one in compared(source, facts, rows)}


@pytest.mark.parametrize(
    ("rows", "agrees"),
    [
        (Counted(2, 70), True),
        (Counted(3, 70), False),
        (Counted(1, 70), False),
        (Counted(2, 71), False),
        (Counted(None, 70), True),
        (Counted(2, None), True),
    ],
)
def test_counts_and_sums_are_the_same(rows: Counted, agrees: bool) -> None:
    assert found({"late": SOME}, {"late": rows}) == {"late": agrees}


def test_a_label_on_one_side_is_a_difference() -> None:
    assert found({"late": SOME}, {"on_time": SOME}) == {"late": False, "on_time": False}
    assert found({}, {}) == {}


def test_all_labels_together() -> None:
    assert found({"late": SOME, "on_time": SOME}, {"": Counted(4, 140)}) == {"": True}
    assert found({}, {"": Counted(0, 0)}) == {"": True}


def test_only_the_labels_that_are_named() -> None:
    facts = {"late": SOME, "reclaimed": SOME}
    assert found(facts, {"": SOME}, labels=("on_time", "late")) == {"": True}
    assert found(facts, {"late": SOME}, labels=("late",)) == {"late": True}


def test_rows_that_were_deleted_since_are_no_difference_and_lost_facts_are() -> None:
    assert found({"": SOME}, {"": Counted(1, 60)}, shrinks=True) == {"": True}
    assert found({"": SOME}, {"": Counted(3, 80)}, shrinks=True) == {"": False}
