"""The decision on a delivery that is due: a function of facts and of the time, which asks nobody and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from modules.notify.decide.facts import Facts, Rules, Told
from modules.notify.decide.verdict import Send, Skip, Verdict, Wait
from modules.notify.decide.windows import window_end
from modules.notify.due import Due
from modules.notify.facade import Urgency
from modules.notify.preferences.choices import is_wanted
from modules.notify.preferences.quiet_hours import QUIET_HOURS
from modules.notify.states import SkipReason

DIGEST = "digest"
UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Collect:
    """It is told with others, when their window ends."""

    window_end: datetime


def decide(due: Due, facts: Facts, rules: Rules, now: datetime) -> Verdict | Collect:
    """What becomes of one delivery. What can never be told is found before what has to wait."""
    reader = facts.readers[due.user_id]
    collected = facts.collected.get(due.id)
    expires_at = due.expires_at
    if collected is not None and due.kind.digest is not None:
        # It waited for its digest, which may be as late as the next one.
        expires_at = max(expires_at, collected.window_end + due.kind.digest)
    room = room_of(due)
    if due.taken_back is not None:
        return Skip(due.taken_back)
    if reader.gone:
        return Skip(SkipReason.GONE)
    if expires_at <= now:
        return Skip(SkipReason.EXPIRED)
    if rules.held and due.read_at is not None and not due.kind.receipt:
        return Skip(SkipReason.READ)
    if not is_wanted(due.kind, due.channel, facts.chosen.get(due.user_id, {})):
        return Skip(SkipReason.PREFERENCE)
    if room and (due.user_id, room) in facts.muted:
        return Skip(SkipReason.MUTED)
    if due.id in facts.not_wanted:
        return Skip(SkipReason.NOT_WANTED)
    if rules.held and room and (due.user_id, room) in facts.present:
        return Skip(SkipReason.PRESENT)
    if due.id in facts.unanswered:
        return Wait(now + rules.ask_again, UNANSWERED)
    if not rules.held or due.kind.urgency is Urgency.HIGH:
        return Send()
    if is_digested(due):
        length = due.kind.digest
        if collected is None and length is not None:
            return Collect(window_end(now, length, reader.zone, rules.digest_hour))
        if collected is not None and collected.window_end > now:
            return Wait(collected.window_end, DIGEST)
    until = reader.quiet.until(now, reader.zone) if reader.quiet is not None else None
    if until is None:
        return Send()
    return Wait(until, QUIET_HOURS) if until < expires_at else Skip(SkipReason.EXPIRED)


def cap(sent: Iterable[Due], told: Mapping[str, Told], rules: Rules) -> list[Due]:
    """Those of a batch that are more than their users are told in an hour or a day, in the order of the batch.

    What is urgent and what is a receipt is sent all the same, and counts.
    """
    counts = {user: (count.hour, count.day) for user, count in told.items()}
    over = []
    for due in sent:
        hour, day = counts.get(due.user_id, (0, 0))
        free = due.kind.urgency is Urgency.HIGH or due.kind.receipt
        if not free and (hour >= rules.hour_cap or day >= rules.day_cap):
            over.append(due)
        else:
            counts[due.user_id] = (hour + 1, day + 1)
    return over


def is_digested(due: Due) -> bool:
    """Whether it is told with others on this channel."""
    kind = due.kind
    return kind.digest is not None and due.channel in kind.digest_channels and kind.urgency is not Urgency.HIGH


def room_of(due: Due) -> str:
    """The room that it is about; empty for none."""
    return due.kind.room % msgspec.structs.asdict(due.data) if due.kind.room else ""
