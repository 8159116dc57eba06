"""Whatever is turned in, extended, graded and released in whatever order: every reader gets what a computation from
scratch gives, and a student nothing that is not released."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway import clock
from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from modules.assignments.dates.wall_time import zone_of
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, wall
from tests.modules.assignments.grading.marking import Marker
from tests.modules.assignments.histories import Attempt, Due, Given, Own, Set, percent_of
from tests.modules.assignments.submissions.work import Work

ZONES: Final = ("Asia/Kolkata", "America/New_York", "Europe/Berlin", "Pacific/Auckland")
# In half hours, so that no deadline is just now, over changes of the clocks.
AGO: Final = st.integers(min_value=-60, max_value=1200).map(lambda number: timedelta(hours=number, minutes=30))
POINTS: Final = st.integers(min_value=0, max_value=2000).map(lambda number: Fraction(number, 100))
WHICH: Final = {"assignment": st.integers(0, 2), "student": st.integers(0, 1)}
STEP: Final = st.one_of(
    st.fixed_dictionaries({"do": st.just("turn_in"), **WHICH}),
    st.fixed_dictionaries({"do": st.just("grade"), "points": POINTS, "final": st.booleans(), **WHICH}),
    st.fixed_dictionaries({"do": st.just("grade"), "points": POINTS, "final": st.just(True), **WHICH}),
    st.fixed_dictionaries({"do": st.just("release"), **WHICH}),
    st.fixed_dictionaries({"do": st.just("extend"), "ago": AGO, "zone": st.sampled_from(ZONES), **WHICH}),
    st.fixed_dictionaries({"do": st.just("accommodate"), "days": st.integers(1, 20), **WHICH}),
)
POLICY: Final = st.fixed_dictionaries(
    {
        "percent": st.integers(0, 4000).map(lambda number: Fraction(number, 100)),
        "floor": st.integers(0, 6000).map(lambda number: Fraction(number, 100)),
        "points": st.integers(1, 4000).map(lambda number: Fraction(number, 100)),
        "at_once": st.booleans(),
        "ago": AGO,
        "zone": st.sampled_from(ZONES),
    }
)


class History:
    """A program with three assignments in a category, of which the lowest is dropped, and two students."""

    def __init__(self, caller: Caller, room: Classroom) -> None:
        self.caller = caller
        self.room = room
        self.sets: list[Set] = []
        self.days = dict.fromkeys(room.students, 0)
        self._works: dict[tuple[str, str], Work] = {}

    async def open(self, policies: list[dict[str, Any]]) -> None:
        category = {"program_id": self.room.program, "name": "Homework", "weight": "40", "drop_lowest": 1}
        path = f"{ASSIGNMENTS}/categories/"
        made = done(await self.room.teacher.post(path, json=category, headers={"Idempotency-Key": "c"}), 201)
        for policy in policies:
            due = due_ago(policy["ago"], policy["zone"])
            late = {"kind": "percent", "percent": text(policy["percent"]), "floor": text(policy["floor"])}
            terms = {"late": late, "points": text(policy["points"]), "due": wall(due.wall.isoformat(), due.zone)}
            release = "at_once" if policy["at_once"] else "together"
            set_ = await self.room.assignment(category_id=made["id"], release=release, **terms)
            works = {user: Own() for user in self.room.students}
            percent, floor = policy["percent"], policy["floor"]
            self.sets.append(Set(set_["id"], policy["points"], percent, floor, policy["at_once"], due, works))
            for user in self.room.students:
                self._works[set_["id"], user] = Work(self.caller, user, set_["id"])

    async def step(self, step: dict[str, Any]) -> None:
        set_, user = self.sets[step["assignment"]], self.room.students[step["student"]]
        own = set_.works[user]
        match step["do"]:
            case "turn_in":
                await self._turn_in(set_, user, own)
            case "grade" if own.counting is not None:
                await self._grade(set_, own.counting, step)
            case "release":
                marker = Marker(self.room.teacher, set_.id)
                await marker.release()
                for one in set_.works.values():
                    for attempt in one.attempts:
                        released(attempt.given)
            case "extend":
                await self._extend(set_, user, due_ago(step["ago"], step["zone"]))
            case "accommodate":
                self.days[user] = step["days"]
                path = f"{ASSIGNMENTS}/accommodations/{self.room.program}/{user}"
                assert (await self._put(path, {"extra_days": step["days"]})).is_success

    async def _turn_in(self, set_: Set, user: str, own: Own) -> None:
        work, last = self._works[set_.id, user], own.counting
        if last is not None:
            if not last.given.versions:
                done(await work.step("reclaim"))
                last.reclaimed = True
            elif last.given.released is None:
                # What is being graded stays as it is.
                return
            else:
                done(await work.step("resubmit"))
        receipt = await work.hand_in(f"Attempt {len(own.attempts) + 1}")
        at = datetime.fromisoformat(receipt["turned_in_at"])
        own.attempts.append(Attempt(receipt["attempt_id"], receipt, at))

    async def _extend(self, set_: Set, user: str, due: Due) -> None:
        path = f"{ASSIGNMENTS}/{set_.id}/extensions/{user}"
        answer = await self._put(path, {"due": wall(due.wall.isoformat(), due.zone)})
        # What is granted takes nothing away.
        assert answer.status_code == (400 if due.moment() < set_.due.moment() else 200), answer.text
        if answer.is_success:
            set_.works[user].extension = due

    async def _grade(self, set_: Set, attempt: Attempt, step: dict[str, Any]) -> None:
        state = "final" if step["final"] else "draft"
        marker = Marker(self.room.teacher, set_.id)
        # Nobody but markers reads a version that is not released.
        secret = f"SECRET {len(attempt.given.versions)}"
        await marker.save(attempt.receipt, text(step["points"]), state=state, comment=secret)
        attempt.given.versions.append((step["points"], step["final"]))
        if set_.at_once:
            released(attempt.given)

    async def _put(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.room.teacher.put(path, json=body, headers={"If-Match": "*"})

    # What it must come to

    def scores(self, user: str, *, of_markers: bool) -> dict[str, Fraction]:
        """By assignment, of the attempt that counts: what is released, or for markers the newest version."""
        found = {}
        for set_ in self.sets:
            attempt = set_.works[user].counting
            version = None if attempt is None else shown(attempt.given, of_markers=of_markers)
            if attempt is not None and version is not None:
                found[set_.id] = set_.score(attempt, version, user, self.days[user])
        return found

    def missing(self, user: str) -> set[str]:
        now = clock.now()
        return {
            set_.id
            for set_ in self.sets
            if set_.works[user].counting is None and set_.due_of(user, self.days[user]).moment() < now
        }

    def percent(self, user: str, *, of_markers: bool) -> Fraction | None:
        scores, missing = self.scores(user, of_markers=of_markers), self.missing(user)
        counted = [
            (scores.get(set_.id, Fraction(0)), set_.points)
            for set_ in self.sets
            if set_.id in scores or set_.id in missing
        ]
        return percent_of(counted, 1)

    async def check(self) -> None:
        for user in self.room.students:
            await self._check_student(user)
        for only in (True, False):
            params = {"program": self.room.program, "released": str(only).lower()}
            book = done(await self.room.teacher.get(f"{ASSIGNMENTS}/gradebook", params=params))
            sheet = await self.room.teacher.get(f"{ASSIGNMENTS}/gradebook", params={**params, "format": "csv"})
            rows = {row[0]: row for row in csv.reader(io.StringIO(sheet.text.removeprefix("\ufeff")))}
            for row in book["items"]:
                user = row["user_id"]
                self._compare(row["marks"], row["total"]["percent"], user, of_markers=not only)
                # A file has the numbers of the page.
                assert fraction(rows[user][-1] or None) == fraction(row["total"]["percent"])
                cells = [cell for cell in rows[user] if cell not in ("", "missing")]
                assert all(mark["score"] in cells for mark in row["marks"].values() if mark["score"] is not None)

    async def _check_student(self, user: str) -> None:
        rest = self.caller(user)
        answer = await rest.get(f"{ASSIGNMENTS}/grades", params={"program": self.room.program})
        own = done(answer)
        self._compare(own["marks"], own["total"]["percent"], user, of_markers=False)
        for set_ in self.sets:
            view = await self._works[set_.id, user].read()
            grades = {grade["attempt_id"]: fraction(grade["score"]) for grade in view["grades"]}
            expected = {
                attempt.id: set_.score(attempt, attempt.given.released, user, self.days[user])
                for attempt in set_.works[user].attempts
                if attempt.given.released is not None
            }
            assert grades == expected
            for number, attempt in enumerate(set_.works[user].attempts, 1):
                whole = await rest.get(f"{ASSIGNMENTS}/{set_.id}/submission/attempts/{number}")
                secrets = set(comments(whole.text))
                seen = attempt.given.released
                assert secrets == (set() if seen is None else {f"SECRET {seen}"})

    def _compare(self, marks: dict[str, Any], percent: str | None, user: str, *, of_markers: bool) -> None:
        graded = {id: fraction(mark["score"]) for id, mark in marks.items() if mark["state"] == "graded"}
        assert graded == self.scores(user, of_markers=of_markers)
        assert {id for id, mark in marks.items() if mark["state"] == "missing"} == self.missing(user)
        assert fraction(percent) == self.percent(user, of_markers=of_markers)


def shown(given: Given, *, of_markers: bool) -> int | None:
    """The version whose points count: for markers the newest, and for others what is released."""
    return len(given.versions) - 1 if of_markers and given.versions else given.released


def released(given: Given) -> None:
    if given.versions and given.versions[-1][1]:
        given.released = len(given.versions) - 1


def due_ago(ago: timedelta, zone: str) -> Due:
    wall_time = (clock.now() - ago).astimezone(zone_of(zone)).replace(tzinfo=None, microsecond=0)
    return Due(wall_time, zone)


def text(value: Fraction) -> str:
    return f"{float(value):.2f}"


def fraction(value: str | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def comments(found: str) -> Iterator[str]:
    for part in found.split("SECRET ")[1:]:
        yield "SECRET " + part.partition('"')[0]


@given(policies=st.lists(POLICY, min_size=3, max_size=3), steps=st.lists(STEP, min_size=6, max_size=25))
@settings(
    max_examples=12,
    deadline=None,
    # A history takes a second or two, so it is not made smaller.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
async def test_grades_are_what_their_history_comes_to(
    caller: Caller, policies: list[dict[str, Any]], steps: list[dict[str, Any]]
) -> None:
    history = History(caller, await classroom(caller, students=2))
    await history.open(policies)
    for step in steps:
        await history.step(step)
    await history.check()
