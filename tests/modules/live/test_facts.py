"""What the events of live mean as figures."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gateway.contract import MessageCount
from modules.analytics.facade import ClientEventType, Fact, Tracked
from modules.live.attendance.participation_repository import Asked, Hand
from modules.live.attendance.recorded import ClassHeld, Participation, recorded
from modules.live.attendance.report import Presence, Rules, Window, report
from modules.live.events import (
    AttendanceRecorded,
    Attendee,
    Figures,
    PollTaken,
    Said,
    SessionCancelled,
    SessionEnded,
    SessionMoved,
    SessionScheduled,
    SessionStarted,
    StarsGiven,
    StreamFigures,
)
from modules.live.facts import (
    FACTS,
    attended,
    cancelled,
    ended,
    scheduled,
    starred,
    started,
)

NOW = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
# In the middle of a bucket of 15 minutes.
START = datetime(2026, 12, 1, 12, 40, tzinfo=UTC)
END = START + timedelta(minutes=30)


def class_of(*attendees: Attendee, said: tuple[Said, ...] = (), polls: tuple[PollTaken, ...] = ()) -> list[Fact]:
    event = AttendanceRecorded(
        session_id="s",
        program_id="p",
        started_at=START,
        at=END,
        part=0,
        attendees=attendees,
        said=said,
        polls=polls,
    )
    return list(attended(event, NOW))


def minutes(*spans: tuple[float, float]) -> tuple[tuple[int, int], ...]:
    return tuple((round(begun * 60_000), round(left * 60_000)) for begun, left in spans)


def test_a_session_is_a_register_of_its_state() -> None:
    planned = SessionScheduled("s", "p", "meera", "Waves", NOW, NOW + timedelta(hours=1))
    moved = SessionMoved("s", "p", NOW, NOW + timedelta(hours=2))
    figures = Figures(seconds=1800, peak_viewers=41, stream=StreamFigures(1, 7, 0))
    facts = [
        *scheduled(planned, NOW),
        *scheduled(moved, NOW),
        *started(SessionStarted("s", "p", START), NOW),
        *ended(SessionEnded("s", "p", START, END, figures), NOW),
        *cancelled(SessionCancelled("s", "p"), NOW),
    ]
    assert [(one.name, one.at, one.label, one.value) for one in facts] == [
        ("live.session", NOW, "scheduled", 3600),
        ("live.session", NOW, "scheduled", 7200),
        ("live.session", START, "live", 0),
        ("live.session", END, "ended", 1800),
        ("live.peak", END, "", 41),
        ("live.stream", END, "", 7),
        ("live.session", NOW, "cancelled", 0),
    ]
    assert {(one.key, one.session_id, one.program_id, one.user_id) for one in facts} == {("s", "s", "p", "")}


def test_a_class_without_video_says_nothing_of_a_stream() -> None:
    facts = ended(SessionEnded("s", "p", START, END, Figures()), NOW)
    assert [one.name for one in facts] == ["live.session", "live.peak"]


def test_watch_time_lies_in_the_buckets_in_which_it_was_and_adds_up() -> None:
    ann = Attendee(user_id="ann", state="present", seconds=1500, spans=minutes((0, 10), (15, 30)))
    facts = class_of(ann)
    watched = [(one.at - START, one.value) for one in facts if one.name == "live.watched"]
    assert watched == [
        (timedelta(0), 300),
        (timedelta(minutes=5), 600),
        (timedelta(minutes=20), 600),
    ]
    assert [one.value for one in facts if one.name == "live.attended"] == [1500]


@pytest.mark.parametrize("wobble", [1, 333, 499, 500, 501, 999])
def test_nothing_is_lost_by_rounding(wobble: int) -> None:
    spans = tuple((number * 60_000 + wobble, number * 60_000 + 30_000 + 2 * wobble) for number in range(30))
    seconds = round(sum(left - begun for begun, left in spans) / 1000)
    facts = class_of(Attendee(user_id="ann", state="present", seconds=seconds, spans=spans))
    assert sum(one.value for one in facts if one.name == "live.watched") == seconds
    assert all(one.value >= 0 for one in facts)


def test_who_came_and_left_in_which_tenth() -> None:
    facts = class_of(Attendee(user_id="ann", state="partial", seconds=360, spans=minutes((3, 6), (20.9, 23.9))))
    tenths = {one.name: (one.label, one.at) for one in facts if one.name in ("live.joined_at", "live.left_at")}
    assert tenths == {
        "live.joined_at": ("1", START + timedelta(minutes=3)),
        "live.left_at": ("7", START + timedelta(minutes=23.9)),
    }
    stayed = class_of(Attendee(user_id="bo", state="present", seconds=1800, spans=minutes((0, 30))))
    assert [one.label for one in stayed if one.name == "live.left_at"] == ["9"]


def test_hosts_and_absent_students_watched_nothing() -> None:
    facts = class_of(
        Attendee(user_id="meera", state="host", seconds=1800, spans=minutes((0, 30)), messages=9),
        Attendee(user_id="ann", state="absent"),
    )
    assert [(one.name, one.label, one.key, one.user_id) for one in facts] == [
        ("live.attended", "host", "s", "meera"),
        ("live.attended", "absent", "s", "ann"),
    ]


def test_taking_part_is_a_register_of_each_kind() -> None:
    facts = class_of(
        Attendee(user_id="ann", state="late", seconds=60, messages=3, questions=1, votes=2, hand=True),
        Attendee(user_id="bo", state="guest", seconds=60),
    )
    assert [(one.key, one.label, one.value, one.user_id) for one in facts if one.name == "live.took_part"] == [
        ("s:chat", "chat", 3, "ann"),
        ("s:hand", "hand", 1, "ann"),
        ("s:question", "question", 1, "ann"),
        ("s:poll", "poll", 2, "ann"),
    ]


def test_what_was_said_is_nobodys() -> None:
    poll = PollTaken("q", START - timedelta(minutes=1), False, 12)
    facts = class_of(said=(Said("message", START, 7),), polls=(poll,))
    assert [(one.name, one.at, one.label, one.value, one.key, one.user_id) for one in facts] == [
        ("live.said", START, "message", 7, "", ""),
        ("live.poll_taken", START, "named", 12, "q", ""),
    ]


def test_changed_stars_take_back_those_of_before_at_the_same_moment() -> None:
    first = StarsGiven(session_id="s", program_id="p", at=NOW, change_id="1", stars=4)
    then = StarsGiven(session_id="s", program_id="p", at=NOW, change_id="2", stars=5, before=4)
    facts = [*starred(first, NOW), *starred(then, NOW + timedelta(hours=1))]
    assert {one.name for one in facts} == {"live.stars"}
    sums: Counter[str] = Counter()
    for one in facts:
        sums[one.label] += one.value
    assert +sums == {"5": 1}
    assert {one.at for one in facts} == {NOW}
    assert {one.user_id for one in facts} == {""}


def test_the_fact_of_a_stalled_player() -> None:
    (kind,) = (one for one in FACTS if isinstance(one, ClientEventType))
    assert kind.name == "live.player_stalled"
    event = msgspec.convert({"session_id": "s", "milliseconds": 1200}, kind.properties)
    assert kind.tracked(event) == Tracked(session_id="s", value=1200)


def presence(user: str, begun: float, left: float, *, host: bool = False) -> Presence:
    start = START.timestamp()
    return Presence(user, user.title(), host, start + begun * 60, start + left * 60)


def test_a_class_is_recorded_with_its_parts() -> None:
    presences = [
        presence("meera", 0, 30, host=True),
        presence("ann", 0, 30),
        presence("bo", 10, 30),
        presence("cy", 0, 3),
        presence("guest", 0, 30),
    ]
    window = Window(START.timestamp(), END.timestamp(), over=True)
    found = report(presences, window, Rules(gap=0, share=0.5, late=60, early=60), ["ann", "bo", "cy", "dee"])
    done = Participation(
        messages=[
            MessageCount("ann", START - timedelta(minutes=10), 2),
            MessageCount("meera", START + timedelta(minutes=5), 1),
        ],
        hands=[Hand("ann", START + timedelta(minutes=6))],
        questions=[Asked(None, START - timedelta(hours=1)), Asked("bo", END + timedelta(minutes=1))],
        votes={"ann": 1},
        polls=[PollTaken("q", START, False, 3), PollTaken("r", START, True, 0)],
    )
    (event,) = recorded(ClassHeld("s", "p", START, END), found, done)
    assert {one.user_id: one.state for one in event.attendees} == {
        "meera": "host",
        "ann": "present",
        "bo": "late",
        "cy": "partial",
        "dee": "absent",
        "guest": "guest",
    }
    ann, bo = (next(one for one in event.attendees if one.user_id == name) for name in ("ann", "bo"))
    assert (ann.messages, ann.hand, ann.questions, ann.votes, ann.spans) == (2, True, 0, 1, ((0, 1_800_000),))
    assert (bo.messages, bo.hand, bo.questions, bo.spans) == (0, False, 1, ((600_000, 1_800_000),))
    # Nothing lies before the class or after it, and nothing is lost.
    assert set(event.said) == {
        Said("message", START, 2),
        Said("message", START + timedelta(minutes=5), 1),
        Said("hand", START + timedelta(minutes=5), 1),
        Said("question", START, 1),
        Said("question", START + timedelta(minutes=20), 1),
        Said("poll", START, 2),
    }
    assert event.polls == done.polls or event.polls == tuple(done.polls)


def test_a_large_class_is_told_in_parts_and_a_class_without_anybody_in_one() -> None:
    window = Window(START.timestamp(), END.timestamp(), over=True)
    rules = Rules(gap=0, share=0.5, late=60, early=60)
    held = ClassHeld("s", "p", START, END)
    many = report([presence(f"u{number:04}", 0, 30) for number in range(450)], window, rules)
    events = recorded(held, many, Participation(votes={}, polls=[PollTaken("q", START, True, 3)]))
    assert [len(one.attendees) for one in events] == [200, 200, 50]
    assert [len(one.polls) for one in events] == [1, 0, 0]
    assert [one.part for one in events] == [0, 1, 2]
    restless = [presence("ann", number / 10, number / 10 + 0.05) for number in range(300)]
    restless += [presence(f"u{user}", number / 10, number / 10 + 0.05) for user in range(30) for number in range(300)]
    events = recorded(held, report(restless, window, rules), Participation(votes={}))
    assert all(len(msgspec.json.encode(one)) < 200_000 for one in events)
    assert sum(len(one.attendees) for one in events) == 31
    (empty,) = recorded(held, report([], window, rules), Participation(votes={}))
    assert empty.attendees == ()
