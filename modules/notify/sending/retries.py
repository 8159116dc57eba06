"""Retries: when a delivery is tried again, and when that is over."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.backoff import doubled
from modules.notify.facade import Outcome
from modules.notify.sending.repository import Note
from modules.notify.settings import SendingSettings
from modules.notify.states import DeliveryState

# Nobody looks at it again.
NEVER: Final = datetime.max.replace(tzinfo=UTC)
# A wait is longer by up to this share, so that a batch that was refused does not come back as one.
SPREAD: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Try:
    """A try of a delivery, as its outcome is judged."""

    attempt: int
    failures: int
    expires_at: datetime


class Retries:
    """The waits double with each try. Tries that say nothing of the message itself do not count against it."""

    def __init__(self, settings: SendingSettings, spread: Callable[[], float] = random.random) -> None:
        self._settings = settings
        self._spread = spread

    def note(self, outcome: Outcome, tried: Try, now: datetime) -> Note:
        """What is written of an outcome.

        waiting  again, unless its tries are used up or it would have expired
        unknown  asked for again, until its tries are used up; then it stays unknown
        either   sent in the end, if a part of it was
        else     the end
        """
        note = Note(
            id=outcome.id,
            attempt=tried.attempt,
            state=outcome.state,
            reason=outcome.reason[:200],
            vendor_id=outcome.vendor_id,
        )
        if outcome.state not in (DeliveryState.WAITING, DeliveryState.UNKNOWN):
            return note
        failures = tried.failures + outcome.counted
        due_at = now + self._wait(tried.attempt, outcome.retry_after)
        over = failures >= self._settings.attempts or due_at >= tried.expires_at
        if over and outcome.reached:
            return _with(note, DeliveryState.SENT, None, counted=outcome.counted)
        if outcome.state is DeliveryState.UNKNOWN:
            return _with(note, DeliveryState.UNKNOWN, NEVER if over else due_at, counted=outcome.counted)
        if over:
            return _with(note, DeliveryState.FAILED, None, counted=outcome.counted)
        return _with(note, DeliveryState.WAITING, due_at, counted=outcome.counted)

    def _wait(self, attempt: int, least: float | None) -> timedelta:
        seconds = max(doubled(attempt, self._settings.first_wait, self._settings.most_wait), least or 0.0)
        return timedelta(seconds=seconds * (1 + SPREAD * self._spread()))


def _with(note: Note, state: DeliveryState, due_at: datetime | None, *, counted: bool) -> Note:
    return Note(
        id=note.id,
        attempt=note.attempt,
        state=state,
        reason=note.reason,
        due_at=due_at,
        failed=counted,
        vendor_id=note.vendor_id,
    )
