"""Answers the questions of widgets. The rights are those of whoever reads: neither a board nor a link carries any.

An answer is used again for a moment, by those alone whose scope is the same: it is part of each query's key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from gateway import clock
from gateway.errors import BadInput, KsmpError
from gateway.principal import Principal
from modules.analytics.boards.board_reading import Answer, Asked, BoardReading
from modules.analytics.boards.messages import Fixed, Question, Recent
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Filters, Query
from modules.analytics.measures.messages import MeasureFigures
from modules.analytics.measures.scope import Scope
from modules.analytics.measures.window import Window

# What the language of widgets calls what an error names.
FIELDS: Final[Mapping[str, str]] = {
    "name": "measure",
    "kind": "filters.kind",
    "session": "filters.session",
    "from": "window.from",
    "until": "window.until",
}


class Questions:
    """Turns questions into queries of measures, each within the scope of its reader."""

    def __init__(self, measures: MeasuresFeature, boards: BoardReading) -> None:
        self._measures = measures.measures
        self._scopes = measures.scopes
        self._windows = measures.windows
        self._answers = measures.answers
        self._boards = boards

    async def check(self, principal: Principal, questions: Sequence[Question], place: str) -> None:
        """Raise as `answer` does where this caller could not ask one of them; it reads no facts.

        `place` is where they stand in the request, with `{}` for the number of one.
        """
        scope = await self._scopes.of(principal)
        for number, question in enumerate(questions):
            try:
                self._checked(scope, question)
            except BadInput as error:
                error.field = f"{place.format(number)}.{error.field}" if error.field else place.format(number)
                raise

    async def answer(self, principal: Principal, question: Question, language: str) -> MeasureFigures:
        """The figures of one question.

        Raises BadInput `invalid`, `analytics.unknown_measure`, `analytics.no_dimension`, `analytics.too_many_rows` or
        `analytics.too_slow`, Refused `forbidden`, and Unavailable.
        """
        query = self._checked(await self._scopes.of(principal), question)
        name = question.measure
        key = f"measure {name} {language} {query.key}"
        return cast(MeasureFigures, await self._answers.get(key, lambda: self._measures.read(name, query, language)))

    async def answer_all(self, principal: Principal, questions: Sequence[Question], language: str) -> list[Answer]:
        """The figures of each question at one moment, or why it has none. Raises Unavailable."""
        scope = await self._scopes.of(principal)
        asked: dict[int, Asked] = {}
        refused: dict[int, Answer] = {}
        for number, question in enumerate(questions):
            try:
                asked[number] = Asked(question.measure, self._checked(scope, question))
            except KsmpError as error:
                refused[number] = error
        key = repr([language, *((number, one.measure, one.query.key) for number, one in asked.items())])
        found = await self._answers.get(f"board {key}", lambda: self._boards.read(asked, language))
        answers: dict[int, Answer] = {**refused, **found}
        return [answers[number] for number in range(len(questions))]

    def _checked(self, scope: Scope, question: Question) -> Query:
        """The query, if its caller may make it."""
        try:
            measure = self._measures.registry.find(question.measure)
            query = Query(scope=scope, window=self._window(question.window), by=question.by, filters=_filters(question))
            self._measures.check(measure, query)
        except BadInput as error:
            error.field = FIELDS.get(error.field or "", error.field)
            raise
        return query

    def _window(self, window: Recent | Fixed) -> Window:
        now = clock.now()
        if isinstance(window, Recent):
            return self._windows.recent(window.last, window.step, now)
        return self._windows.asked(window.since, window.until, now)


def _filters(question: Question) -> Filters:
    wanted = question.filters
    return Filters(programs=tuple(sorted({*wanted.programs})), session=wanted.session or "", kind=wanted.kind or "")
