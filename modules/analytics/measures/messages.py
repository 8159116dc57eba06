"""What is answered about measures."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from modules.analytics.measures.measure import Dimension, Unit


class MeasureView(msgspec.Struct, frozen=True, kw_only=True):
    """A measure with its definition, in the language that was asked for.

    `numerator` and `denominator` say what is counted. `target` is what the business wants to reach, at least, or with
    `lower_is_better` at most. A measure of `state` says how things stand at the end of a time. `discreet`: its figures
    are hidden where few people are behind them. `from_clients`: clients sent what is counted, so it is an indication.
    """

    name: str
    title: str
    unit: Unit
    definition: str
    numerator: str
    denominator: str
    dimensions: list[Dimension]
    kinds: str = ""
    target: float | None = None
    lower_is_better: bool = False
    state: bool = False
    discreet: bool = False
    from_clients: bool = False

    @classmethod
    def example(cls) -> MeasureView:
        return cls(
            name="attendance",
            title="Attendance",
            unit=Unit.RATIO,
            definition="The share of expected students who were present in the sessions that ended.",
            numerator="Expected students who were present or late",
            denominator="Expected students",
            dimensions=[Dimension.DAY, Dimension.WEEK, Dimension.MONTH, Dimension.PROGRAM, Dimension.SESSION],
            target=0.8,
        )


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. Its value is numerator / denominator, or the numerator where there is no denominator.

    `key` is the first day of its day, week or month, the id of its program or session, or its kind; empty for a whole
    window. `label` is what people call the key, where it is no date. `value` is null where the denominator is 0:
    nothing happened that could be counted. `suppressed`: all three are null, because too few people are behind them.
    `complete`: all facts of its time are stored. Without it the time is not over, or facts of it are still to come.
    """

    key: str = ""
    label: str = ""
    # Of an amount of money, in minor units; otherwise empty.
    currency: str = ""
    numerator: int | None
    denominator: int | None
    value: float | None
    suppressed: bool = False
    complete: bool

    @classmethod
    def example(cls) -> Figure:
        return cls(key="2026-11-30", numerator=41, denominator=50, value=0.82, complete=True)


class MeasureFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A measure over a window: the whole, the window of the same length before it, and the parts by `by`.

    Of money there is one total for each currency, of anything else exactly one. Times lie in [`since`, `until`), and
    days in `zone`. All that happened before `as_of` is stored.
    """

    measure: MeasureView
    since: datetime
    until: datetime
    zone: str
    as_of: datetime
    by: Dimension | None
    total: list[Figure]
    previous: list[Figure]
    figures: list[Figure]
    # How many more programs or sessions there are than are shown. Their facts are in the total.
    left_out: int = 0

    @classmethod
    def example(cls) -> MeasureFigures:
        return cls(
            measure=MeasureView.example(),
            since=datetime(2026, 11, 29, 18, 30, tzinfo=UTC),
            until=datetime(2026, 11, 30, 18, 30, tzinfo=UTC),
            zone="Asia/Kolkata",
            as_of=datetime(2026, 12, 1, 4, 30, tzinfo=UTC),
            by=Dimension.DAY,
            total=[Figure(numerator=41, denominator=50, value=0.82, complete=True)],
            previous=[Figure(numerator=39, denominator=50, value=0.78, complete=True)],
            figures=[Figure.example()],
        )
