"""How work is divided."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.grading.markers import evenly


@given(st.integers(0, 60), st.integers(1, 7), st.lists(st.integers(0, 8), max_size=30))
def test_nobody_gets_more_while_another_has_less(new: int, markers: int, held: list[int]) -> None:
    names = [f"m{number}" for number in range(markers)]
    before = Counter(f"m{number}" for number in held)
    given = evenly([f"s{number}" for number in range(new)], names, list(before.elements()))
    assert len(given) == new
    after = Counter({name: before[name] for name in names})
    after.update(given.values())
    for name, count in Counter(given.values()).items():
        assert count
        assert after[name] <= min(after[other] for other in names) + 1
