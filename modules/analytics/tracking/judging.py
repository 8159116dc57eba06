"""Judging: what becomes of each event of a request. No IO."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from modules.analytics.intake.client_events import ClientEvent
from modules.analytics.store.event import MOST_VALUE
from modules.analytics.tracking import metrics
from modules.analytics.tracking.event_time import Attempt
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.messages import Outcome, Refusal, Taken, TrackedEvent, Tracking

VERSION: Final = 7


class _NotTaken(Exception):
    """An event that is refused, with its code and the reason."""

    def __init__(self, code: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Judging:
    """The events of one attempt. `user_id` is whose they are, empty for nobody's."""

    def __init__(self, types: ClientEventTypes, attempt: Attempt, user_id: str) -> None:
        self._types = types
        self._attempt = attempt
        self._user_id = user_id
        self._kept: dict[UUID, ClientEvent] = {}
        self._taken: list[Taken] = []

    @property
    def kept(self) -> list[ClientEvent]:
        """The events to keep, each once."""
        return list(self._kept.values())

    def take(self, events: Sequence[TrackedEvent]) -> None:
        """Take those that are as they must be, and refuse the others."""
        for event in events:
            try:
                made = self._made(event)
            except _NotTaken as error:
                self._taken.append(Taken(event.id, Outcome.REFUSED, error.code, str(error)))
                continue
            self._taken.append(Taken(event.id, Outcome.REPEATED if made.id in self._kept else Outcome.ACCEPTED))
            self._kept.setdefault(made.id, made)

    def decline(self, events: Sequence[TrackedEvent]) -> None:
        """Their user wants none of them stored."""
        self._taken += [Taken(event.id, Outcome.DECLINED) for event in events]

    def refuse_bots(self, events: Sequence[TrackedEvent]) -> None:
        """No person caused these."""
        reason = "programs, and more events in a minute than a person causes, are left out"
        self._taken += [Taken(event.id, Outcome.REFUSED, Refusal.BOT, reason) for event in events]

    def answer(self) -> Tracking:
        """What became of each event, once those to keep are kept; counted in the metrics."""
        for what, count in Counter((one.code or one.outcome).value for one in self._taken).items():
            metrics.tracked.labels(what).inc(count)
        return Tracking(self._taken)

    def _made(self, event: TrackedEvent) -> ClientEvent:
        """The event as it is kept; raises _NotTaken."""
        kind = self._types.by_name.get(event.name)
        if kind is None:
            raise _NotTaken(Refusal.UNKNOWN_EVENT, "no module takes events of this name")
        try:
            tracked = kind.tracked(msgspec.convert(event.properties, kind.properties))
        except msgspec.ValidationError as error:
            raise _NotTaken(Refusal.BAD_PROPERTIES, str(error)) from error
        if abs(tracked.value) > MOST_VALUE:
            raise _NotTaken(Refusal.BAD_PROPERTIES, "a number is too large")
        return ClientEvent(
            id=self._id(event.id),
            at=self._at(event.at),
            name=event.name,
            user_id=self._user_id,
            program_id=tracked.program_id,
            session_id=tracked.session_id,
            label=tracked.label,
            value=tracked.value,
        )

    def _id(self, text: str) -> UUID:
        try:
            id = UUID(text)
        except ValueError:
            raise _NotTaken(Refusal.BAD_ID, "the id is no UUID") from None
        if id.version != VERSION:
            raise _NotTaken(Refusal.BAD_ID, "the id is no UUIDv7")
        if not self._attempt.is_near(id):
            raise _NotTaken(Refusal.BAD_TIME, "the id is from more than 7 days ago, or from more than a day ahead")
        return id

    def _at(self, at: datetime) -> datetime:
        found = self._attempt.corrected(at)
        if found is None:
            raise _NotTaken(Refusal.BAD_TIME, "it happened more than 7 days ago, or its time has no zone")
        return found
