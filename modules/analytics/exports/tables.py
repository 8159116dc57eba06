"""What stands in files: figures, and raw events."""

from __future__ import annotations

from typing import Final

import msgspec

from modules.analytics.exports.event_repository import RawEvent
from modules.analytics.exports.formats import Column, Table
from modules.analytics.measures.messages import Figure, MeasureFigures


class FigureRow(msgspec.Struct, frozen=True):
    """A figure with all that says what it is. `part` is `total`, `previous` or `figure`."""

    title: str
    part: str
    of: MeasureFigures
    figure: Figure


# Money is in minor units, as in the API. What is suppressed has no numbers.
FIGURES: Final[Table[FigureRow]] = Table(
    (
        Column("title", "text", lambda row: row.title),
        Column("measure", "text", lambda row: row.of.measure.name),
        Column("part", "text", lambda row: row.part),
        Column("from", "time", lambda row: row.of.since),
        Column("until", "time", lambda row: row.of.until),
        Column("zone", "text", lambda row: row.of.zone),
        Column("by", "text", lambda row: None if row.of.by is None else row.of.by.value),
        Column("key", "text", lambda row: row.figure.key),
        Column("label", "text", lambda row: row.figure.label),
        Column("numerator", "whole", lambda row: row.figure.numerator),
        Column("denominator", "whole", lambda row: row.figure.denominator),
        Column("value", "number", lambda row: row.figure.value),
        Column("unit", "text", lambda row: row.of.measure.unit.value),
        Column("currency", "text", lambda row: row.figure.currency),
        Column("suppressed", "truth", lambda row: row.figure.suppressed),
        Column("complete", "truth", lambda row: row.figure.complete),
        Column("as_of", "time", lambda row: row.of.as_of),
        Column("definition", "text", lambda row: row.of.measure.definition),
    )
)

EVENT_COLUMNS: Final[tuple[Column[RawEvent], ...]] = (
    Column("id", "text", lambda event: str(event.id)),
    Column("at", "time", lambda event: event.at),
    Column("name", "text", lambda event: event.name),
    Column("subject", "text", lambda event: None if event.subject is None else str(event.subject)),
    Column("program_id", "text", lambda event: event.program_id),
    Column("session_id", "text", lambda event: event.session_id),
    Column("key", "text", lambda event: event.key),
    Column("label", "text", lambda event: event.label),
    Column("value", "whole", lambda event: event.value),
    Column("client", "truth", lambda event: event.client),
)
EVENTS: Final[Table[RawEvent]] = Table(EVENT_COLUMNS)
# For mentors, who could tell from the times whose pseudonym it is. The id of a fact is a hash of its fields, the user
# among them: who knows the ids of some users could try which of them it is.
NAMING: Final = ("id", "subject")
EVENTS_WITHOUT_SUBJECTS: Final[Table[RawEvent]] = Table(
    tuple(column for column in EVENT_COLUMNS if column.name not in NAMING)
)


def rows_of(title: str, figures: MeasureFigures) -> list[FigureRow]:
    """All figures of an answer, the whole window first."""
    parts = (("total", figures.total), ("previous", figures.previous), ("figure", figures.figures))
    return [FigureRow(title, part, figures, figure) for part, found in parts for figure in found]
