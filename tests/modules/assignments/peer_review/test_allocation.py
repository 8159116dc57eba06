"""Who reviews whose work: pure, so with any class that hypothesis can think of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.peer_review.allocation import HeldReview, allocate

Own = dict[str, set[str]]


def alone(count: int) -> Own:
    """So many students, each with a submission of their own."""
    return {f"s{number}": {f"work{number}"} for number in range(count)}


def works(own: Own) -> list[str]:
    return sorted(set().union(*own.values()))


def counts(pairs: Collection[tuple[str, str]], submissions: Collection[str]) -> list[int]:
    """How many reviews each submission gets, from the fewest."""
    found = Counter(submission for _, submission in pairs)
    return sorted(found[one] for one in submissions)


@st.composite
def classes(draw: st.DrawFn, most: int = 9) -> Own:
    """Students in groups of any size; a group of one works alone."""
    groups = draw(st.lists(st.integers(1, 4), min_size=1, max_size=most))
    return {f"s{group}.{member}": {f"work{group}"} for group, size in enumerate(groups) for member in range(size)}


@st.composite
def held_reviews(draw: st.DrawFn, own: Own) -> list[HeldReview]:
    """What any class may hold from before, also of people and submissions that are not there any more."""
    people, submissions = [*own, "gone"], [*works(own), "withdrawn"]
    pairs = draw(st.lists(st.tuples(st.sampled_from(people), st.sampled_from(submissions)), unique=True, max_size=20))
    return [HeldReview(*pair, begun=draw(st.booleans())) for pair in pairs]


def after(held: list[HeldReview], own: Own, each: int, seed: int = 0) -> set[tuple[str, str]]:
    """All pairs once an allocation is written."""
    change = allocate(own, works(own), each, Random(seed), held)
    before = {(one.reviewer_id, one.submission_id) for one in held}
    assert not set(change.added) & before
    assert set(change.removed) <= before
    return before - set(change.removed) | set(change.added)


def everything(own: Own, each: int, fixed: Collection[tuple[str, str]]) -> Iterator[set[tuple[str, str]]]:
    """Every choice that the rules allow."""

    def of(reviewer: str) -> list[set[tuple[str, str]]]:
        stays = {pair for pair in fixed if pair[0] == reviewer}
        free = [(reviewer, one) for one in works(own) if one not in own[reviewer] and (reviewer, one) not in stays]
        size = min(max(each - len(stays), 0), len(free))
        return [stays | set(chosen) for chosen in combinations(free, size)]

    for choice in product(*(of(reviewer) for reviewer in own)):
        yield set().union(*choice)


@given(st.integers(0, 40), st.integers(1, 20), st.integers())
def test_fault_13_peer_reviews_are_balanced(students: int, each: int, seed: int) -> None:
    """Fault 13: of n who work alone everybody writes k and gets k, never of themselves; with n - 1 < k, n - 1."""
    own = alone(students)
    pairs = after([], own, each, seed)
    expected = min(each, max(students - 1, 0))
    assert counts(pairs, works(own)) == [expected] * students
    assert sorted(Counter(reviewer for reviewer, _ in pairs).values()) == [expected] * (students if expected else 0)
    assert not any(submission in own[reviewer] for reviewer, submission in pairs)


@given(st.data(), classes(), st.integers(1, 6), st.integers())
def test_whatever_was_there_before_the_rules_hold(data: st.DataObject, own: Own, each: int, seed: int) -> None:
    held = data.draw(held_reviews(own))
    pairs = after(held, own, each, seed)
    begun = {(one.reviewer_id, one.submission_id) for one in held if one.begun}
    assert begun <= pairs
    submissions = works(own)
    for reviewer, barred in own.items():
        given = {one for who, one in pairs if who == reviewer and one in submissions and one not in barred}
        kept = {one for who, one in begun if who == reviewer and one in given}
        assert len(given) == max(min(each, len(set(submissions) - barred)), len(kept))
    # What breaks a rule by now is there only because it was begun.
    bad = {pair for pair in pairs if pair[0] not in own or pair[1] not in submissions or pair[1] in own[pair[0]]}
    assert bad <= begun


@given(st.data(), classes(4), st.integers(1, 2))
def test_no_other_choice_is_more_even(data: st.DataObject, own: Own, each: int) -> None:
    if len(own) > 7:
        return
    held = data.draw(held_reviews(own))
    kept = [one for one in held if one.reviewer_id in own and one.submission_id not in own[one.reviewer_id]]
    fixed = {(one.reviewer_id, one.submission_id) for one in kept if one.begun and one.submission_id in works(own)}
    pairs = after(held, own, each)
    valid = {pair for pair in pairs if pair[0] in own and pair[1] in works(own) and pair[1] not in own[pair[0]]}

    def unevenness(choice: Collection[tuple[str, str]]) -> int:
        return sum(count * count for count in counts(choice, works(own)))

    assert unevenness(valid) == min(unevenness(choice) for choice in everything(own, each, fixed))


@given(st.integers(2, 30), st.integers(1, 5), st.integers(1, 6), st.data())
def test_who_joins_late_writes_and_gets_reviews(students: int, each: int, late: int, data: st.DataObject) -> None:
    """Nobody has begun: the balance is as if all had been there, and only what must move does."""
    seed = data.draw(st.integers())
    first = after([], alone(students), each, seed)
    held = [HeldReview(*pair) for pair in sorted(first)]
    own = alone(students + late)
    pairs = after(held, own, each, seed + 1)
    expected = min(each, students + late - 1)
    assert counts(pairs, works(own)) == [expected] * (students + late)
    # Each of the late ones gets this many from those who were there, who give up no more than that.
    assert len(first - pairs) <= late * expected


@given(st.integers(3, 20), st.integers(1, 3), st.data())
def test_what_was_written_never_moves(students: int, each: int, data: st.DataObject) -> None:
    first = sorted(after([], alone(students), each))
    begun = data.draw(st.lists(st.booleans(), min_size=len(first), max_size=len(first)))
    held = [HeldReview(*pair, begun=one) for pair, one in zip(first, begun, strict=True)]
    pairs = after(held, alone(students + 1), each)
    assert {pair for pair, one in zip(first, begun, strict=True) if one} <= pairs


def test_when_all_is_written_the_late_one_writes_and_gets_none() -> None:
    """Nobody is asked for more than `each`: so nobody is left who could review the late work."""
    first = sorted(after([], alone(5), 2))
    pairs = after([HeldReview(*pair, begun=True) for pair in first], alone(6), 2)
    assert pairs > set(first)
    assert sum(reviewer == "s5" for reviewer, _ in pairs) == 2
    assert counts(pairs, works(alone(6))) == [0, 2, 2, 2, 3, 3]


def test_run_again_it_changes_nothing() -> None:
    held = [HeldReview(*pair) for pair in sorted(after([], alone(12), 3))]
    assert allocate(alone(12), works(alone(12)), 3, Random(9), held) == allocate({}, [], 3, Random(9))


def test_another_number_of_reviews() -> None:
    held = [HeldReview(*pair) for pair in sorted(after([], alone(8), 3))]
    assert counts(after(held, alone(8), 2), works(alone(8))) == [2] * 8
    assert counts(after(held, alone(8), 4), works(alone(8))) == [4] * 8


def test_who_reviews_whom_cannot_be_guessed() -> None:
    allocations = {tuple(sorted(after([], alone(10), 2, seed))) for seed in range(20)}
    assert len(allocations) == 20


@pytest.mark.parametrize(("sizes", "expected"), [((3, 3, 3, 3), [3, 3, 3, 3]), ((3, 1), [1, 3]), ((4,), [0])])
def test_groups(sizes: tuple[int, ...], expected: list[int]) -> None:
    """Each student reviews another group: even where the groups are, and else as even as it can be."""
    own: Mapping[str, set[str]] = {
        f"s{group}.{member}": {f"work{group}"} for group, size in enumerate(sizes) for member in range(size)
    }
    assert counts(after([], dict(own), 1), works(dict(own))) == expected


def test_a_large_class_is_quick() -> None:
    """It runs in the gateway: 1,000 students with 5 each, and then 50 late ones."""
    started = time.process_time()
    first = sorted(after([], alone(1000), 5))
    held = [HeldReview(*pair, begun=number % 3 == 0) for number, pair in enumerate(first)]
    pairs = after(held, alone(1050), 5)
    assert counts(pairs, works(alone(1050))) == [5] * 1050
    assert time.process_time() - started < 5
