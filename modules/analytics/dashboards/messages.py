"""What dashboards answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from modules.analytics.measures.measure import Dimension
from modules.analytics.measures.messages import Figure, MeasureFigures, MeasureView

Whose = Literal["student", "mentor", "admin"]


class MeasureList(msgspec.Struct, frozen=True):
    """The measures that the caller may read."""

    items: list[MeasureView]

    @classmethod
    def example(cls) -> MeasureList:
        return cls([MeasureView.example()])


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one window, all of the same moment. They come from facts alone, not from what clients send.

    `headlines` are trends by `step`, in their order on a page; those with a target come first. `details` are divided
    by program, session or kind. `indications` come from what clients send, and belong behind the rest.
    """

    whose: Whose
    since: datetime
    until: datetime
    zone: str
    as_of: datetime
    step: Dimension
    headlines: list[MeasureFigures]
    details: list[MeasureFigures]
    indications: list[MeasureFigures]

    @classmethod
    def example(cls) -> Dashboard:
        figures = MeasureFigures.example()
        return cls(
            whose="mentor",
            since=figures.since,
            until=figures.until,
            zone=figures.zone,
            as_of=figures.as_of,
            step=Dimension.DAY,
            headlines=[figures],
            details=[
                msgspec.structs.replace(
                    figures,
                    by=Dimension.PROGRAM,
                    figures=[
                        Figure(key="algebra", label="Algebra", numerator=41, denominator=50, value=0.82, complete=True)
                    ],
                )
            ],
            indications=[],
        )


class CurvePoint(msgspec.Struct, frozen=True):
    """How many viewers were there at once, at most, in the step that begins so many seconds after the start."""

    seconds: int
    viewers: int

    @classmethod
    def example(cls) -> CurvePoint:
        return cls(300, 42)


class ActivityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in the 15 minutes from `at` on. `polls` were opened then."""

    at: datetime
    messages: int = 0
    hands: int = 0
    questions: int = 0
    polls: int = 0

    @classmethod
    def example(cls) -> ActivityPoint:
        return cls(at=datetime(2026, 11, 30, 12, 30, tzinfo=UTC), messages=18, hands=2, questions=1, polls=2)


class SessionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One session: its curve, what was done when, and its measures. The figures are there once the session is over.

    `figures` are whole numbers of the session, `details` are divided by kind: ways to take part, tenths in which
    viewers left, numbers of stars.
    """

    session_id: str
    program_id: str
    title: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    as_of: datetime
    curve: list[CurvePoint]
    activity: list[ActivityPoint]
    figures: list[MeasureFigures]
    details: list[MeasureFigures]

    @classmethod
    def example(cls) -> SessionReport:
        figures = MeasureFigures.example()
        return cls(
            session_id="01a2130d-48bf-7174-b972-596a06fb2346",
            program_id="algebra",
            title="Quadratic equations",
            state="ended",
            started_at=datetime(2026, 11, 30, 12, 30, tzinfo=UTC),
            ended_at=datetime(2026, 11, 30, 13, 30, tzinfo=UTC),
            as_of=figures.as_of,
            curve=[CurvePoint(0, 12), CurvePoint.example()],
            activity=[ActivityPoint.example()],
            figures=[msgspec.structs.replace(figures, by=None, figures=[])],
            details=[],
        )
