"""Who reviews whose work. No IO.

Everybody who turned in reviews the same number of submissions, `each`, and never one's own or one's group's. Where
there are fewer others than that, one reviews all of them. So with n students who work alone, and n - 1 < `each`,
everybody reviews everybody else.

The reviews that a submission gets are as even as these rules allow: their counts differ by at most one, unless groups
of different sizes, or reviews that were written already, make that impossible. Then no other choice would be more even.

It is run again when somebody turns in later. A review that was begun stays, whatever becomes of the balance. One that
nobody has begun moves only where that makes the counts more even.

How it works: each reviewer takes what has the fewest reviews. Then chains of exchanges are looked for, such as "this
reviewer gives up X for Y, that one gives up Y for Z". A chain leads from a submission to one that has at least two
reviews less. When there is none, no choice is more even. Source: Harvey, Ladner, Lovász, Tamir, "Semi-matchings for
bipartite graphs and load balancing", 2003. The search prefers chains that move no review that somebody was told of.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random

import msgspec


class HeldReview(msgspec.Struct, frozen=True):
    """A review that was allocated before. `begun`: its reviewer has written something, so it stays."""

    reviewer_id: str
    submission_id: str
    begun: bool = False


class Allocation(msgspec.Struct, frozen=True):
    """What is to be written: pairs of reviewer and submission that are new, and those that are taken away."""

    added: Sequence[tuple[str, str]]
    removed: Sequence[tuple[str, str]]


def allocate(
    own: Mapping[str, Collection[str]],
    submissions: Collection[str],
    each: int,
    random: Random,
    held: Iterable[HeldReview] = (),
) -> Allocation:
    """Give every reviewer `each` submissions.

    `own` has the reviewers, each with the submissions that they may not review. What is held by somebody who is no
    reviewer any more, or may not review it any more, is taken away. Where it was begun it stays, and counts nowhere.
    """
    graph = _Graph(own, submissions, held)
    reviewers = list(own)
    random.shuffle(reviewers)
    for reviewer in reviewers:
        graph.give_back(reviewer, each)
    graph.fill(reviewers, each, random)
    graph.even_out()
    return graph.difference()


class _Graph:
    def __init__(
        self, own: Mapping[str, Collection[str]], submissions: Collection[str], held: Iterable[HeldReview]
    ) -> None:
        self._barred = own
        self._fixed: dict[str, set[str]] = {reviewer: set() for reviewer in own}
        self._given: dict[str, set[str]] = {reviewer: set() for reviewer in own}
        # The reviewers that each submission has.
        self._taken: dict[str, set[str]] = {submission: set() for submission in sorted(submissions)}
        self._before: set[tuple[str, str]] = set()
        # What was begun and may not be asked for any more, such as of the group that the reviewer is in now.
        self._stranded: set[tuple[str, str]] = set()
        for review in held:
            pair = (review.reviewer_id, review.submission_id)
            self._before.add(pair)
            if self._may(*pair):
                self._give(*pair)
                if review.begun:
                    self._fixed[review.reviewer_id].add(review.submission_id)
            elif review.begun:
                self._stranded.add(pair)

    def _may(self, reviewer: str, submission: str) -> bool:
        return reviewer in self._given and submission in self._taken and submission not in self._barred[reviewer]

    def _give(self, reviewer: str, submission: str) -> None:
        self._given[reviewer].add(submission)
        self._taken[submission].add(reviewer)

    def _take(self, reviewer: str, submission: str) -> None:
        self._given[reviewer].remove(submission)
        self._taken[submission].remove(reviewer)

    def give_back(self, reviewer: str, each: int) -> None:
        """Fewer are asked for than before: those go first whose submissions have the most reviews."""
        spare = sorted(self._given[reviewer] - self._fixed[reviewer], key=lambda one: (-len(self._taken[one]), one))
        for submission in spare[: max(len(self._given[reviewer]) - each, 0)]:
            self._take(reviewer, submission)

    def fill(self, reviewers: Sequence[str], each: int, random: Random) -> None:
        heap = [(len(taken), random.random(), submission) for submission, taken in self._taken.items()]
        heapq.heapify(heap)
        for reviewer in reviewers:
            put_back = []
            while heap and len(self._given[reviewer]) < each:
                count, _, submission = heapq.heappop(heap)
                if submission not in self._given[reviewer] and self._may(reviewer, submission):
                    self._give(reviewer, submission)
                    count += 1
                # Another number each time, so that the same few do not always follow each other.
                put_back.append((count, random.random(), submission))
            for item in put_back:
                heapq.heappush(heap, item)

    def even_out(self) -> None:
        """Follow chains until there is none."""
        while any(self._shift(submission) for submission in sorted(self._taken, key=self._count, reverse=True)):
            pass

    def _count(self, submission: str) -> int:
        return len(self._taken[submission])

    def _shift(self, start: str) -> bool:
        """Move one review from here to a submission that has at least two less, by the chain that moves the fewest."""
        most = self._count(start) - 2
        if most < min(map(len, self._taken.values())):
            return False
        # Of each submission that was reached: the reviewer who would take it, and what they would give up for it.
        came: dict[str, tuple[str, str]] = {}
        unseen = set(self._taken) - {start}
        asked: set[str] = set()
        # Submissions at the left are reached without moving one more review that somebody was told of.
        front: deque[tuple[str, str | None]] = deque([(start, None)])
        while front:
            submission, giver = front.popleft()
            if giver is None:
                if submission != start and self._count(submission) <= most:
                    self._follow(start, submission, came)
                    return True
                for reviewer in sorted(self._taken[submission]):
                    if reviewer in asked or submission in self._fixed[reviewer]:
                        continue
                    if (reviewer, submission) in self._before:
                        front.append((submission, reviewer))
                    else:
                        front.appendleft((submission, reviewer))
            elif giver not in asked:
                asked.add(giver)
                reached = sorted(unseen - self._given[giver] - set(self._barred[giver]), key=self._count)
                unseen -= set(reached)
                came.update(dict.fromkeys(reached, (giver, submission)))
                front.extendleft((one, None) for one in reversed(reached))
        return False

    def _follow(self, start: str, end: str, came: Mapping[str, tuple[str, str]]) -> None:
        while end != start:
            giver, given_up = came[end]
            self._take(giver, given_up)
            self._give(giver, end)
            end = given_up

    def difference(self) -> Allocation:
        now = {(reviewer, one) for reviewer, given in self._given.items() for one in given} | self._stranded
        return Allocation(sorted(now - self._before), sorted(self._before - now))
