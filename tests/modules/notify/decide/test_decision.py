"""What becomes of a delivery: one function over facts, with the time given."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from modules.notify.decide.decision import Collect, cap, decide
from modules.notify.decide.facts import Collected, Facts, Rules, Told
from modules.notify.decide.verdict import Send, Skip, Wait
from modules.notify.due import Due
from modules.notify.facade import Kind, Urgency
from modules.notify.preferences.quiet_hours import QuietHours
from modules.notify.preferences.readers import Reader
from modules.notify.states import SkipReason

# 23:30 in India.
NIGHT = datetime(2026, 11, 30, 18, tzinfo=UTC)
MORNING = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
NOON = datetime(2026, 11, 30, 6, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Said(msgspec.Struct, frozen=True):
    room: str = "7"


KIND = Kind(name="quiz.said", data=Said, title="x", category="talk", room="direct:%(room)s")
READER = Reader(
    user_id="ann",
    language="en",
    time_zone="Asia/Kolkata",
    zone=ZoneInfo("Asia/Kolkata"),
    quiet=QuietHours(time(22), time(7)),
)


def due(now: datetime, **fields: Any) -> Due:
    base = Due(
        id="d",
        notification_id="n",
        notice_id="t",
        kind=KIND,
        subject="1",
        user_id="ann",
        channel="push",
        data=Said(),
        at=now,
        created_at=now,
        expires_at=now + DAY,
    )
    return dataclasses.replace(base, **fields)


def facts(**fields: Any) -> Facts:
    return dataclasses.replace(Facts(readers={"ann": READER}), **fields)


def kind(**fields: Any) -> Kind:
    return dataclasses.replace(KIND, **fields)


@pytest.mark.parametrize(
    ("reason", "of_due", "of_facts"),
    [
        (SkipReason.WITHDRAWN, {"taken_back": SkipReason.WITHDRAWN}, {}),
        (SkipReason.STOPPED, {"taken_back": SkipReason.STOPPED}, {}),
        (SkipReason.GONE, {}, {"readers": {"ann": dataclasses.replace(READER, gone=True)}}),
        (SkipReason.EXPIRED, {"expires_at": NOON}, {}),
        (SkipReason.READ, {"read_at": NOON}, {}),
        (SkipReason.PREFERENCE, {}, {"chosen": {"ann": {"talk": False}}}),
        (SkipReason.PREFERENCE, {"kind": kind(off=("push",))}, {}),
        (SkipReason.MUTED, {}, {"muted": {("ann", "direct:7")}}),
        (SkipReason.NOT_WANTED, {}, {"not_wanted": {"d"}}),
        (SkipReason.PRESENT, {}, {"present": {("ann", "direct:7")}}),
    ],
)
def test_who_is_not_told(reason: SkipReason, of_due: dict[str, Any], of_facts: dict[str, Any]) -> None:
    assert decide(due(NOON), facts(), Rules(), NOON) == Send()
    assert decide(due(NOON, **of_due), facts(**of_facts), Rules(), NOON) == Skip(reason)


def test_what_is_chosen_for_a_kind_counts_for_more_than_its_category() -> None:
    chosen = {"ann": {"talk": False, "quiz.said": True}}
    assert decide(due(NOON), facts(chosen=chosen), Rules(), NOON) == Send()
    # And a choice for more than the default.
    off = due(NOON, kind=kind(off=("push",)))
    assert decide(off, facts(chosen={"ann": {"talk": True}}), Rules(), NOON) == Send()


def test_a_receipt_is_neither_turned_off_nor_spared_to_who_read_it() -> None:
    receipt = due(NOON, kind=kind(receipt=True), read_at=NOON)
    assert decide(receipt, facts(chosen={"ann": {"talk": False}}), Rules(), NOON) == Send()


def test_quiet_hours_hold_back_until_they_end_and_what_is_urgent_passes() -> None:
    assert decide(due(NIGHT), facts(), Rules(), NIGHT) == Wait(MORNING, "quiet_hours")
    assert decide(due(NIGHT, kind=kind(urgency=Urgency.HIGH)), facts(), Rules(), NIGHT) == Send()
    assert decide(due(NIGHT, channel="webhook"), facts(), Rules(held=False), NIGHT) == Send()
    assert decide(due(NIGHT), facts(), Rules(), MORNING) == Send()
    # What is over by the morning is not told in the morning.
    brief = due(NIGHT, expires_at=MORNING)
    assert decide(brief, facts(), Rules(), NIGHT) == Skip(SkipReason.EXPIRED)


def test_what_its_module_cannot_speak_of_is_asked_again() -> None:
    asked = facts(unanswered={"d"})
    assert decide(due(NOON), asked, Rules(), NOON) == Wait(NOON + timedelta(seconds=30), "unanswered")
    # But what can never be told is not.
    assert decide(due(NOON, read_at=NOON), asked, Rules(), NOON) == Skip(SkipReason.READ)


def test_what_is_digested_waits_for_the_end_of_its_window() -> None:
    mail = due(NOON, channel="email", kind=kind(digest=DAY))
    # 18:00 in India.
    end = datetime(2026, 11, 30, 12, 30, tzinfo=UTC)
    assert decide(mail, facts(), Rules(), NOON) == Collect(end)
    collected = facts(collected={"d": Collected(window_end=end)})
    assert decide(mail, collected, Rules(), NOON + HOUR) == Wait(end, "digest")
    assert decide(mail, collected, Rules(), end) == Send()
    # By another channel it is told by itself.
    assert decide(due(NOON, kind=kind(digest=DAY)), facts(), Rules(), NOON) == Send()
    # A digest at night waits for the morning, although its parts would be over by then.
    brief = dataclasses.replace(mail, expires_at=end + timedelta(minutes=1))
    assert decide(brief, collected, Rules(), NIGHT) == Wait(MORNING, "quiet_hours")
    assert decide(brief, facts(), Rules(), NIGHT) == Skip(SkipReason.EXPIRED)


def test_caps_count_what_the_batch_sends_and_let_urgent_ones_and_receipts_pass() -> None:
    rules = Rules(hour_cap=3, day_cap=100)
    batch = [due(NOON, id=str(at)) for at in range(4)]
    assert [one.id for one in cap(batch, {"ann": Told(hour=1, day=1)}, rules)] == ["2", "3"]
    assert [one.id for one in cap(batch, {}, Rules(hour_cap=100, day_cap=1))] == ["1", "2", "3"]
    urgent = [due(NOON, id="u", kind=kind(urgency=Urgency.HIGH)), due(NOON, id="r", kind=kind(receipt=True))]
    assert cap(urgent, {"ann": Told(hour=9, day=9)}, rules) == []
    # They count all the same, and others are other users' business.
    assert [one.id for one in cap([*urgent, *batch], {"bob": Told(hour=9, day=9)}, rules)] == ["1", "2", "3"]
