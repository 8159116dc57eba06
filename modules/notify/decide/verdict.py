"""Verdict: what becomes of a delivery that is due, and who gives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modules.notify.due import Due
from modules.notify.states import SkipReason


@dataclass(frozen=True)
class Send:
    """It goes to its channel now. With `bundle` it is a digest, which tells of these."""

    bundle: Sequence[Due] = ()


@dataclass(frozen=True)
class Skip:
    """It is never sent."""

    reason: SkipReason


@dataclass(frozen=True)
class Wait:
    """It is decided again at that time. No try is counted. `reason` is a stable word, such as `quiet_hours`."""

    until: datetime
    reason: str


Verdict = Send | Skip | Wait


class Decide(ABC):
    """Gives the verdicts of a batch: it loads the facts for all of them at once, outside of a transaction."""

    @abstractmethod
    async def decide(self, batch: Sequence[Due], now: datetime) -> Mapping[str, Verdict]:
        """The verdict of each delivery, by its id. All are of one channel. Raises Unavailable."""
