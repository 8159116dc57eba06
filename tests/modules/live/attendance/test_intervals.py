"""Presence intervals: whatever tabs and reconnects made of them, merged they say when the user was there."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.http.spreadsheet import cell
from modules.live.attendance.csv import COLUMNS, csv_of
from modules.live.attendance.intervals import Interval, at_once, clipped, merged, total
from modules.live.attendance.presence_intervals import PresenceIntervals
from modules.live.attendance.report import Attendance, Presence, Rules, Window, absence, report

# Whole seconds, so that touching and equal ends come often.
times = st.integers(0, 300)
spans = st.tuples(times, times).map(lambda pair: (float(min(pair)), float(max(pair))))
several = st.lists(spans, max_size=12)
gaps = st.integers(0, 60).map(float)


def covered(intervals: list[Interval], gap: float = 0.0) -> set[int]:
    """The whole seconds that begin in them, or in a hole of no more than the gap; by looking at each."""
    inside = {second for second in range(301) if any(start <= second < end for start, end in intervals)}
    holes = set()
    for second in set(range(301)) - inside:
        before = [place for place in inside if place < second]
        behind = [place for place in inside if place > second]
        if before and behind and min(behind) - (max(before) + 1) <= gap:
            holes.add(second)
    return inside | holes


@given(several, gaps)
def test_merged_is_the_union_and_its_short_gaps(intervals: list[Interval], gap: float) -> None:
    result = merged(intervals, gap)
    assert covered(result) == covered(intervals, gap)
    assert all(second[0] - first[1] > gap for first, second in itertools.pairwise(result))
    assert total(result) <= total(merged(intervals)) + gap * max(0, len(merged(intervals)) - 1)


@given(several, gaps, st.randoms(use_true_random=False))
def test_merging_knows_no_order_and_does_no_more_the_second_time(
    intervals: list[Interval], gap: float, random: object
) -> None:
    result = merged(intervals, gap)
    assert merged(result, gap) == result
    random.shuffle(intervals)  # type: ignore[attr-defined]
    assert merged(intervals, gap) == result
    # Tabs may be merged on their node before the nodes are.
    half = len(intervals) // 2
    assert merged([*merged(intervals[:half], gap), *merged(intervals[half:], gap)], gap) == result


@given(several, spans)
def test_clipped_is_what_lies_between(intervals: list[Interval], window: Interval) -> None:
    result = clipped(merged(intervals), *window)
    assert covered(result) == covered(intervals) & covered([window])


@given(several, st.integers(1, 90))
def test_the_curve_has_the_most_at_once_of_each_step(intervals: list[Interval], step: int) -> None:
    counts = [sum(start <= second < end for start, end in intervals) for second in range(300)]
    assert at_once(intervals, 0.0, 300.0, step) == [max(counts[at : at + step]) for at in range(0, 300, step)]


moves = st.lists(
    st.tuples(st.sampled_from(("enter", "leave", "write", "fail")), st.sampled_from("ab"), st.integers(1, 40)),
    max_size=40,
)


@example([("enter", "a", 1), ("leave", "a", 5), ("enter", "a", 5), ("write", "a", 5), ("leave", "a", 5)])
@given(moves)
def test_stays_are_when_a_user_had_a_connection_or_was_away_for_a_moment(steps: list[tuple[str, str, int]]) -> None:
    """Also when writing fails: what is written in the end is all of it, in as few rows as there were long absences."""
    gap, now = 30.0, 0.0
    stays = PresenceIntervals(gap)
    written: dict[tuple[str, float], tuple[float, float | None]] = {}
    here: dict[str, int] = {"a": 0, "b": 0}
    since: dict[str, float] = {}
    truth: dict[str, list[Interval]] = {"a": [], "b": []}

    def write() -> None:
        for stay in stays.take(now):
            written[stay.user, stay.started] = (stay.started, stay.ended)

    for what, user, later in steps:
        now += later
        match what:
            case "enter":
                stays.enter("s", user, user, False, now)
                here[user] += 1
                since.setdefault(user, now)
            case "leave":
                stays.leave("s", user, now)
                here[user] = max(0, here[user] - 1)
                if not here[user] and user in since:
                    truth[user].append((since.pop(user), now))
            case "write":
                write()
            case "fail":
                stays.put_back(stays.take(now))
    now += 1
    stays.end_all(now)
    write()
    for user, start in since.items():
        truth[user].append((start, now))
    for user in "ab":
        rows = [span for (who, _), span in written.items() if who == user]
        ended = [(start, end) for start, end in rows if end is not None]
        assert len(ended) == len(rows), "a stay without an end"
        assert merged(ended, gap) == merged(truth[user], gap)
        assert len(rows) <= len(merged(truth[user], gap))


RULES = Rules(gap=30.0, share=0.5, late=300.0, early=300.0)
CLASS = Window(1000.0, 4600.0, True)


def rows_of(*presences: Presence, window: Window = CLASS, expected: tuple[str, ...] = ()) -> dict[str, Attendance]:
    return {row.user_id: row for row in report(presences, window, RULES, expected).rows}


def test_a_report_says_who_was_late_left_early_or_was_not_there() -> None:
    rows = rows_of(
        Presence("punctual", "P", False, 900.0, 4700.0),
        Presence("late", "L", False, 1301.0, 4600.0),
        Presence("early", "E", False, 1000.0, 4200.0),
        Presence("brief", "B", False, 1000.0, 1060.0),
        Presence("before", "F", False, 100.0, 999.0),
        # Two tabs, another node, and a reconnect within the gap.
        Presence("tabs", "T", False, 1000.0, 2000.0),
        Presence("tabs", "T", False, 1500.0, 2500.0),
        Presence("tabs", "Tabby", False, 2530.0, 2830.0),
        Presence("tabs", "T", False, 1010.0, 1020.0),
        Presence("mentor", "M", True, 1000.0, 4600.0),
        expected=("late", "absent", "before"),
    )
    assert set(rows) == {"punctual", "late", "early", "brief", "tabs", "mentor", "absent", "before"}
    assert (rows["punctual"].seconds, rows["punctual"].late, rows["punctual"].early) == (3600, False, False)
    assert (rows["late"].late_seconds, rows["late"].late, rows["late"].present) == (301, True, True)
    assert (rows["early"].early_seconds, rows["early"].early, rows["early"].late) == (400, True, False)
    assert (rows["brief"].seconds, rows["brief"].present) == (60, False)
    assert (rows["tabs"].seconds, rows["tabs"].visits, rows["tabs"].name) == (1830, 1, "Tabby")
    assert rows["tabs"].present
    assert rows["mentor"].role == "host"
    assert rows["absent"] == absence("absent")
    assert rows["before"] == absence("before")


def test_hosts_are_no_viewers() -> None:
    found = report(
        [
            Presence("m", "M", True, 1000.0, 4600.0),
            Presence("a", "A", False, 1000.0, 1090.0),
            Presence("b", "B", False, 1030.0, 4600.0),
            # Made a host on the way.
            Presence("c", "C", False, 1000.0, 1010.0),
            Presence("c", "C", True, 1010.0, 4600.0),
        ],
        CLASS,
        RULES,
        ("a", "b", "d"),
    )
    assert (found.totals.hosts, found.totals.viewers, found.totals.present, found.totals.absent) == (2, 2, 1, 1)
    assert (found.totals.peak_viewers, found.totals.viewer_seconds, found.totals.seconds) == (2, 90 + 3570, 3600)
    assert (found.curve[:3], len(found.curve), found.step) == ([2, 2, 1], 60, 60)


def test_a_class_that_goes_on_has_no_early_leaver_and_one_that_never_ends_a_coarse_curve() -> None:
    going = Window(1000.0, 2000.0, False)
    row = rows_of(Presence("a", "A", False, 1000.0, 1600.0), window=going)["a"]
    assert (row.early, row.early_seconds, row.present) == (False, 0, True)
    endless = report([], Window(0.0, 30 * 86400.0, False), RULES)
    assert (len(endless.curve), endless.step) == (1440, 1800)
    # Ended as it began.
    assert report([Presence("a", "A", False, 0.0, 9.0)], Window(5.0, 5.0, True), RULES).totals.viewers == 0


def test_no_cell_is_a_formula() -> None:
    for evil in ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\rx", "\n=1", "＝1", "\u00a0=1", "\u200b=1"):
        assert cell(evil) == f"'{evil}"
    for good in ("Sam", "", "Anne-Marie", "a=b", "5"):
        assert cell(good) == good
    evil = '=HYPERLINK("http://x","y")'
    row = rows_of(Presence("-dash", evil, False, 1000.0, 1090.0))["-dash"]
    head, line, end = csv_of([row]).split("\r\n")
    assert head == ",".join(f'"{column}"' for column in COLUMNS)
    assert line.startswith(""""'-dash","'=HYPERLINK(""http://x"",""y"")","viewer","1970-01-01T00:16:40+00:00",""")
    assert line.endswith('"1.5","90","1","0","3510","no","yes","no"')
    assert end == ""
