"""Reads the questions of one board at one moment, and lets one fail without the others."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from gateway.errors import KsmpError
from modules.analytics.boards.attempt_repository import AttemptRepository
from modules.analytics.errors import too_slow
from modules.analytics.measures.measure import Query
from modules.analytics.measures.measures import Measures, Snapshot
from modules.analytics.measures.messages import MeasureFigures

# The figures of a question, or why it has none.
Answer = MeasureFigures | KsmpError


class Asked(msgspec.Struct, frozen=True):
    """A question that its reader may ask: the name of a measure, and the query."""

    measure: str
    query: Query


class BoardReading:
    """`seconds` is how long a board may take before what is left of it is too slow; one statement may take longer."""

    def __init__(self, measures: Measures, attempts: AttemptRepository, seconds: float) -> None:
        self._measures = measures
        self._attempts = attempts
        self._seconds = seconds

    async def read(self, asked: Mapping[int, Asked], language: str) -> dict[int, Answer]:
        """The answers by the numbers of their questions. Raises Unavailable."""
        answers: dict[int, Answer] = {}
        async with self._measures.snapshot() as snapshot:
            over = time.monotonic() + self._seconds
            for group in _of_one_query(asked):
                answers |= await self._group(snapshot, group, language, over)
        return answers

    async def _group(
        self, snapshot: Snapshot, group: Mapping[int, Asked], language: str, over: float
    ) -> dict[int, Answer]:
        """Questions of one query share its statements. Where not all are answered, each is tried by itself."""
        if time.monotonic() > over:
            return dict.fromkeys(group, too_slow())
        query = next(iter(group.values())).query
        try:
            async with self._attempts.attempt():
                figures = await snapshot.read([one.measure for one in group.values()], query, language)
            return dict(zip(group, figures, strict=True))
        except KsmpError as error:
            if error.temporary:
                raise
            if len(group) == 1:
                return dict.fromkeys(group, error)
        answers: dict[int, Answer] = {}
        for number, one in group.items():
            answers |= await self._group(snapshot, {number: one}, language, over)
        return answers


def _of_one_query(asked: Mapping[int, Asked]) -> list[dict[int, Asked]]:
    groups: dict[str, dict[int, Asked]] = {}
    for number, one in asked.items():
        groups.setdefault(one.query.key, {})[number] = one
    return list(groups.values())
