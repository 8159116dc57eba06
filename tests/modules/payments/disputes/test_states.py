"""What is known of a dispute does not depend on the order of the messages; when an operator is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as some

from modules.payments.disputes.deadlines import Deadlines
from modules.payments.disputes.states import PHASES, DisputeState, Standing, later

AT = datetime(2026, 3, 1, tzinfo=UTC)

standings = some.builds(
    Standing,
    some.integers(0, 3).map(lambda seconds: AT + timedelta(seconds=seconds)),
    some.sampled_from(DisputeState),
    some.sampled_from([*PHASES, "", "of_tomorrow"]),
    some.none() | some.integers(0, 3).map(lambda days: AT + timedelta(days=days)),
    some.sampled_from([100, 200]),
)


@given(standings, standings, standings)
def test_merging_is_commutative_associative_and_idempotent(a: Standing, b: Standing, c: Standing) -> None:
    assert later(a, b) == later(b, a)
    assert later(later(a, b), c) == later(a, later(b, c))
    assert later(a, a) == a


def test_every_order_of_a_life_ends_alike() -> None:
    due = AT + timedelta(days=7)
    states = (DisputeState.OPEN, DisputeState.UNDER_REVIEW)
    # The bank asks for more, with nothing else that is new; then it decides.
    life = [
        Standing(AT + timedelta(hours=hours), state, "chargeback", due, 100)
        for hours, state in enumerate((*states, *states, DisputeState.LOST))
    ]
    for upto in range(1, len(life) + 1):
        for order in permutations(life[:upto]):
            assert reduce(later, order) == life[upto - 1]


def test_an_operator_is_told_twice_and_when_it_is_too_late() -> None:
    deadlines, due = Deadlines(3 * 86_400, 86_400), AT + timedelta(days=10)
    seen = []
    now: datetime | None = AT
    while now is not None:
        seen.append((deadlines.reached(due, now), (now - AT).days))
        now = deadlines.next(due, now)
    assert seen == [(None, 0), ("dispute_due", 7), ("dispute_due_soon", 9), ("dispute_missed", 10)]
    # One that comes late is told of at once.
    assert deadlines.reached(due, due - timedelta(hours=1)) == "dispute_due_soon"
