"""When all presence of a class is read again, and what the last point of its curve is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from modules.analytics.watching.curves import Curves
from modules.live.facade import ClassCurve, ClassNow

START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
CLASS = ClassNow(
    session_id="s",
    program_id="p",
    state="live",
    started_at=START,
    ended_at=None,
    viewers=4,
    hosts=1,
    hands_up=0,
    hands_raised=0,
    questions_open=0,
    questions_asked=0,
    poll=None,
    stream=None,
)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_presence_is_read_once_a_point() -> None:
    curves = Curves()
    assert curves.needs_read(CLASS, after(61))
    curves.put(CLASS, ClassCurve(START, 60, (3, 1)))
    assert not curves.needs_read(CLASS, after(62))
    assert not curves.needs_read(CLASS, after(119.9))
    assert curves.needs_read(CLASS, after(120))


def test_the_last_point_rises_with_what_is_seen() -> None:
    curves = Curves()
    curves.put(CLASS, ClassCurve(START, 60, (3, 1)))
    assert curves.raised(CLASS).viewers == (3, 4)
    fewer = msgspec.structs.replace(CLASS, viewers=2)
    assert curves.raised(fewer).viewers == (3, 4)


def test_the_end_of_the_class_is_read_once() -> None:
    curves = Curves()
    curves.put(CLASS, ClassCurve(START, 60, (3, 1)))
    over = msgspec.structs.replace(CLASS, state="ended", ended_at=after(100))
    assert curves.needs_read(over, after(100))
    curves.put(over, ClassCurve(START, 60, (3, 2)))
    assert not curves.needs_read(over, after(1000))
    assert curves.raised(over).viewers == (3, 2)


def test_a_class_that_has_not_begun_has_no_curve() -> None:
    curves = Curves()
    lobby = msgspec.structs.replace(CLASS, state="lobby", started_at=None)
    assert curves.needs_read(lobby, START)
    curves.put(lobby, ClassCurve(None, 60, ()))
    assert not curves.needs_read(lobby, after(500))
    assert curves.needs_read(CLASS, after(1))
    assert curves.raised(lobby).viewers == ()


def test_others_are_forgotten() -> None:
    curves = Curves()
    curves.put(CLASS, ClassCurve(START, 60, (3, 1)))
    curves.keep({"other"})
    assert curves.needs_read(CLASS, after(61))
