"""Sender: takes a batch of one channel that is due, and sees each delivery of it through one try.

    claim ──► decide ──► write ──► hand to the channel ──► note

What is told may have changed since it was queued, so everything is looked at here. No step is inside a transaction: a
vendor takes its time. A sender that dies leaves its batch to its lease, and then its outcome is `unknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from gateway import clock, failpoint
from gateway.errors import Unavailable
from modules.notify.decide.verdict import Decide, Send, Skip, Verdict, Wait
from modules.notify.due import Due
from modules.notify.facade import Channel, Outcome, Outgoing
from modules.notify.kinds import Kinds
from modules.notify.sending import metrics
from modules.notify.sending.repository import DeliveryRepository, Note
from modules.notify.sending.retries import NEVER, Retries, Try
from modules.notify.settings import SendingSettings
from modules.notify.states import DeliveryState, NoticeState, SkipReason
from modules.notify.texts.written import Writer, Written

log = structlog.get_logger(__name__)

TAKEN_BACK: Final = frozenset({NoticeState.WITHDRAWING, NoticeState.WITHDRAWN})
# Seconds between two tries to note what became of a batch.
AGAIN: Final = 0.5
# The part of a lease that a channel may take.
SHARE: Final = 0.8


class Sender:
    """One worker of one channel."""

    def __init__(
        self,
        kinds: Kinds,
        channel: Channel,
        rows: DeliveryRepository,
        decide: Decide,
        writer: Writer,
        settings: SendingSettings,
    ) -> None:
        self._kinds = kinds
        self._channel = channel
        self._rows = rows
        self._decide = decide
        self._writer = writer
        self._settings = settings
        self._retries = Retries(settings)
        # When its channel takes something again, by the event loop's clock.
        self._resumes_at = 0.0

    async def work(self) -> bool:
        """Send one batch; whether there may be another one."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._resumes_at:
            return False
        if (pause := await self._channel.pause()) > 0:
            self._resumes_at = loop.time() + min(pause, self._settings.most_wait)
            return False
        now = clock.now()
        until = now + timedelta(seconds=self._settings.lease)
        kinds = self._kinds.kinds
        claimed = await self._rows.claim(self._channel.name, now, until, self._settings.batch, kinds)
        if not claimed:
            return False
        failpoint.crash("kill.claimed")
        tries = {
            str(row["id"]): Try(attempt=row["attempts"], failures=row["failures"], expires_at=row["expires_at"])
            for row in claimed
        }
        try:
            notes = await self._see_through(claimed, tries)
        except Unavailable:
            # Nothing was handed to the channel.
            notes = [self._later(id, tried, clock.now()) for id, tried in tries.items()]
        doubtful = {str(row["id"]) for row in claimed if row["doubtful"]}
        notes = [_in_doubt(note) if note.id in doubtful else note for note in notes]
        now = clock.now()
        await self._write(notes, now)
        for note in notes:
            metrics.tries.labels(self._channel.name, note.state.value).inc()
        for row, note in zip(claimed, sorted(notes, key=_place(tries)), strict=True):
            if note.state is DeliveryState.SENT:
                metrics.late.labels(self._channel.name).observe((now - row["due_at"]).total_seconds())
        return len(claimed) >= self._settings.batch

    async def _write(self, notes: Sequence[Note], now: datetime) -> None:
        """Note what became of the batch. While PostgreSQL is away it is known here alone, so it is tried for long."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._settings.lease
        while True:
            try:
                return await self._rows.note(notes, now)
            except Unavailable:
                if loop.time() > ends:
                    raise
                await asyncio.sleep(AGAIN)

    async def _see_through(self, claimed: Sequence[Mapping[str, Any]], tries: Mapping[str, Try]) -> list[Note]:
        notes: list[Note] = []
        batch = await self._read(claimed, tries, notes)
        batch = await self._repeatable(batch, tries, notes)
        verdicts = await self._verdicts(batch)
        sending: dict[str, tuple[Due, Send]] = {}
        for due in batch:
            match verdicts.get(due.id):
                case Skip(reason):
                    notes.append(_note(due, DeliveryState.SKIPPED, reason.value))
                case Wait(until, reason):
                    notes.append(_note(due, DeliveryState.WAITING, reason, due_at=until, uncounted=True))
                case Send() as send:
                    sending[due.id] = due, send
                case None:
                    notes.append(self._later(due.id, tries[due.id], clock.now()))
        words = await self._words(sending.values())
        outgoing = []
        for due, send in sending.values():
            if due.id not in words:
                notes.append(_note(due, DeliveryState.FAILED, "texts"))
                continue
            bundle = [_outgoing(each, words[each.id]) for each in send.bundle if each.id in words]
            outgoing.append(_outgoing(due, words[due.id], bundle))
        outcomes = await self._hand_over(outgoing)
        now = clock.now()
        notes.extend(self._retries.note(outcome, tries[outcome.id], now) for outcome in outcomes)
        return notes

    async def _read(
        self, claimed: Sequence[Mapping[str, Any]], tries: Mapping[str, Try], notes: list[Note]
    ) -> list[Due]:
        """What was claimed, with its notices as they are now."""
        notices = {row["id"]: row for row in await self._rows.notices({row["notice_id"] for row in claimed})}
        facts: dict[Any, msgspec.Struct] = {}
        for id, notice in notices.items():
            try:
                facts[id] = msgspec.json.decode(notice["data"], type=self._kinds.find(notice["kind"]).data)
            except ValueError:
                # Another version of the platform has told it. It waits for a gateway that can read it.
                log.warning("notifications.data_unreadable", kind=notice["kind"], notice=str(id))
        batch = []
        for row in claimed:
            id, notice_id = str(row["id"]), row["notice_id"]
            if notice_id not in facts:
                notes.append(self._later(id, tries[id], clock.now()))
                continue
            notice = notices[notice_id]
            batch.append(
                Due(
                    id=id,
                    notification_id=str(row["notification_id"]),
                    notice_id=str(notice_id),
                    kind=self._kinds.find(notice["kind"]),
                    subject=notice["subject"],
                    user_id=row["user_id"],
                    channel=self._channel.name,
                    data=facts[notice_id],
                    at=notice["at"],
                    created_at=row["created_at"],
                    expires_at=row["expires_at"],
                    seen_at=row["seen_at"],
                    read_at=row["read_at"],
                    attempt=row["attempts"],
                    unknown=row["doubtful"],
                    taken_back=_taken_back(notice),
                )
            )
        return batch

    async def _repeatable(self, batch: list[Due], tries: Mapping[str, Try], notes: list[Note]) -> list[Due]:
        """Without those that may have arrived and that the channel does not send twice."""
        doubtful = [due.id for due in batch if due.unknown]
        if not doubtful:
            return batch
        repeatable = frozenset(await self._channel.repeats(doubtful))
        kept = []
        for due in batch:
            if not due.unknown or due.id in repeatable:
                kept.append(due)
                continue
            # It is asked for again, as the vendor may still say what became of it.
            outcome = Outcome(id=due.id, state=DeliveryState.UNKNOWN, reason="unknown", counted=False)
            note = self._retries.note(outcome, tries[due.id], clock.now())
            notes.append(note if due.taken_back is None else _note(due, DeliveryState.UNKNOWN, "", due_at=NEVER))
        return kept

    async def _verdicts(self, batch: Sequence[Due]) -> Mapping[str, Verdict]:
        if not batch:
            return {}
        try:
            return await self._decide.decide(batch, clock.now())
        except Unavailable:
            raise
        except Exception:
            # They are decided again later, until they expire.
            log.exception("notifications.decide.failed", channel=self._channel.name)
            return {}

    async def _words(self, sending: Collection[tuple[Due, Send]]) -> Mapping[str, Written]:
        asked = {each.id: each for due, send in sending for each in (due, *send.bundle)}
        return await self._writer.write(list(asked.values())) if asked else {}

    async def _hand_over(self, outgoing: Sequence[Outgoing]) -> list[Outcome]:
        """The outcome of each; UNKNOWN where the channel does not say."""
        if not outgoing:
            return []
        told: Sequence[Outcome] = ()
        reason = "unanswered"
        try:
            async with asyncio.timeout(self._settings.lease * SHARE):
                told = await self._channel.send(outgoing)
        except Unavailable as error:
            return [
                Outcome(id=each.id, state=DeliveryState.WAITING, reason=error.code, counted=False) for each in outgoing
            ]
        except TimeoutError:
            reason = "timeout"
            log.warning("notifications.channel.late", channel=self._channel.name, deliveries=len(outgoing))
        except Exception:
            reason = "error"
            log.exception("notifications.channel.failed", channel=self._channel.name)
        failpoint.crash("kill.sent")
        outcomes = {outcome.id: outcome for outcome in told}
        unsaid = DeliveryState.UNKNOWN
        return [outcomes.get(each.id) or Outcome(id=each.id, state=unsaid, reason=reason) for each in outgoing]

    def _later(self, id: str, tried: Try, now: datetime) -> Note:
        """Nothing could be decided. It is looked at again, until it expires."""
        outcome = Outcome(id=id, state=DeliveryState.WAITING, reason="undecided", counted=False)
        return self._retries.note(outcome, tried, now)


def _taken_back(notice: Mapping[str, Any]) -> SkipReason | None:
    if notice["state"] not in TAKEN_BACK:
        return None
    return SkipReason.STOPPED if notice["campaign_id"] else SkipReason.WITHDRAWN


def _note(
    due: Due, state: DeliveryState, reason: str, *, due_at: datetime | None = None, uncounted: bool = False
) -> Note:
    return Note(id=due.id, attempt=due.attempt, state=state, reason=reason, due_at=due_at, uncounted=uncounted)


def _in_doubt(note: Note) -> Note:
    """What became of a delivery that an earlier try may have sent: that it is not sent now says nothing of then."""
    if note.state not in (DeliveryState.SKIPPED, DeliveryState.FAILED):
        return note
    return replace(note, state=DeliveryState.UNKNOWN, due_at=NEVER)


def _place(tries: Mapping[str, Try]) -> Any:
    order = {id: place for place, id in enumerate(tries)}
    return lambda note: order[note.id]


def _outgoing(due: Due, written: Written, bundle: Sequence[Outgoing] = ()) -> Outgoing:
    return Outgoing(
        id=due.id,
        notification_id=due.notification_id,
        kind=due.kind,
        subject=due.subject,
        user_id=due.user_id,
        title=written.title,
        body=written.body,
        link=written.link,
        data=msgspec.to_builtins(due.data),
        language=written.language,
        time_zone=written.time_zone,
        expires_at=due.expires_at,
        attempt=due.attempt,
        unknown=due.unknown,
        bundle=bundle,
    )
