"""When an operator is told that our answer to a dispute is due. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

DUE: Final = "dispute_due"
DUE_SOON: Final = "dispute_due_soon"
MISSED: Final = "dispute_missed"


class Deadlines:
    """`warning` and `last_warning` are seconds before the answer is due."""

    def __init__(self, warning: float, last_warning: float) -> None:
        self._stages: Sequence[tuple[timedelta, str]] = (
            (timedelta(seconds=max(warning, last_warning)), DUE),
            (timedelta(seconds=last_warning), DUE_SOON),
            (timedelta(), MISSED),
        )

    def reached(self, respond_by: datetime, now: datetime) -> str | None:
        """The kind of the newest warning whose moment has come; None before the first."""
        kinds = [kind for before, kind in self._stages if respond_by - before <= now]
        return kinds[-1] if kinds else None

    def next(self, respond_by: datetime, now: datetime) -> datetime | None:
        """The moment of the next warning; None after the last."""
        moments = (respond_by - before for before, _ in self._stages)
        return next((moment for moment in moments if moment > now), None)
