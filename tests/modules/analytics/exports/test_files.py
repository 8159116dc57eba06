"""Files of figures and of raw events: the same numbers as the API, in every format, with the rights of who asks."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import openpyxl
import pytest

from gateway import clock
from ksmp_testkit.answers import done, refused
from modules.analytics.store.event import Event
from tests.modules.analytics.boards.school import A, School

EXPORTS = f"{A}/exports"
FORMATS = ("csv", "xlsx", "parquet")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


def read(body: bytes, format: str) -> list[dict[str, Any]]:
    """The rows of a file by their names."""
    if format == "parquet":
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
        return rows
    if format == "csv":
        return list(csv.DictReader(io.StringIO(body.decode()[1:])))
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    head, *rest = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return [dict(zip(map(str, head), row, strict=True)) for row in rest]


async def file(who: httpx.AsyncClient, path: str, format: str = "csv", **params: Any) -> list[dict[str, Any]]:
    answer = await who.get(f"{EXPORTS}/{path}", params={"format": format, **params})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == TYPES[format]
    assert answer.headers["content-disposition"].endswith(f'.{format}"')
    return await asyncio.to_thread(read, answer.content, format)


@pytest.mark.parametrize("format", FORMATS)
async def test_a_file_has_the_figures_of_the_api(school: School, format: str) -> None:
    asked = {"measure": "attendance", "by": "day", "window": {"kind": "fixed"}}
    shown = done(await school.meera.post(f"{A}/query", json=asked))
    rows = await file(school.meera, "measures/attendance", format, by="day")
    assert {row["measure"] for row in rows} == {"attendance"}
    for part, name in (("total", "total"), ("previous", "previous"), ("figure", "figures")):
        found = [
            (row["key"] or "", number(row["numerator"]), number(row["denominator"]))
            for row in rows
            if row["part"] == part
        ]
        assert found == [(one["key"], one["numerator"], one["denominator"]) for one in shown[name]]
    assert rows[0]["definition"] == shown["measure"]["definition"]
    assert (rows[0]["suppressed"], rows[0]["complete"]) in ((False, False), ("no", "no"))


def number(cell: Any) -> int | None:
    return None if cell in (None, "") else int(cell)


@pytest.mark.parametrize("format", FORMATS)
async def test_a_board_is_a_file_of_its_widgets_for_its_reader(school: School, format: str) -> None:
    widgets = [
        {"title": "=1+1", "chart": "number", "question": {"measure": "attendance"}},
        {"title": "P", "chart": "number", "question": {"measure": "attendance", "filters": {"programs": [school.p]}}},
    ]
    body = {"title": "B", "widgets": widgets, "sharing": {"roles": ["mentor"]}}
    board = done(await school.root.post(f"{A}/boards", json=body), 201)["id"]

    async def totals(who: httpx.AsyncClient) -> list[Any]:
        rows = await file(who, f"boards/{board}", format)
        return [(row["title"], int(row["denominator"])) for row in rows if row["part"] == "total"]

    text = "'=1+1" if format == "csv" else "=1+1"
    assert await totals(school.meera) == [(text, 2), ("P", 2)]
    # Not his program: that widget has no rows.
    assert await totals(school.omar) == [(text, 2)]
    refused(await school.ann.get(f"{EXPORTS}/boards/{board}"), 404, "not_found")


async def test_a_dashboard_is_a_file_for_whom_it_is(school: School) -> None:
    for whose, reader in (("student", school.ann), ("mentor", school.meera), ("admin", school.root)):
        shown = done(await reader.get(f"{A}/dashboards/{whose}"))
        wanted = [
            (one["measure"]["name"], part, figure["key"], figure["numerator"])
            for one in (*shown["headlines"], *shown["details"], *shown["indications"])
            for part, name in (("total", "total"), ("previous", "previous"), ("figure", "figures"))
            for figure in one[name]
        ]
        rows = await file(reader, f"dashboards/{whose}")
        assert [(row["measure"], row["part"], row["key"], number(row["numerator"])) for row in rows] == wanted
        assert len(rows) > 20
    refused(await school.ann.get(f"{EXPORTS}/dashboards/mentor"), 403, "forbidden")
    refused(await school.meera.get(f"{EXPORTS}/dashboards/admin"), 403, "forbidden")
    other = {"program": school.q}
    refused(await school.meera.get(f"{EXPORTS}/dashboards/mentor", params=other), 403, "forbidden")


async def events(school: School, count: int = 3) -> list[Event]:
    """Events of an hour ago in both programs, besides stars and money."""
    at = clock.now().replace(microsecond=0) - timedelta(hours=1)
    told = []
    for program, user in ((school.p, "ann"), (school.q, "bob")):
        told += [
            school.fact("live.watched", user, program, at=at + timedelta(seconds=number), label="=x", value=number)
            for number in range(count)
        ]
        told += [school.fact("live.stars", "", program, at=at, label="5", value=1)]
        told += [school.fact("payments.revenue", user, program, at=at, label="INR", value=100)]
    return await school.tell(*told)


@pytest.mark.parametrize("format", FORMATS)
async def test_events_are_as_they_are_stored(school: School, format: str) -> None:
    stored = [event for event in await events(school) if event.program_id == school.p and event.user_id]
    rows = [one for one in await file(school.root, "events", format, program=school.p) if one["subject"]]
    rows = [one for one in rows if one["name"] in ("live.watched", "payments.revenue")]
    assert [(row["at"], row["id"]) for row in rows] == sorted((row["at"], row["id"]) for row in rows)
    assert {row["id"] for row in rows} == {str(event.id) for event in stored}
    by_id = {row["id"]: row for row in rows}
    for event in stored:
        row = by_id[str(event.id)]
        assert (row["name"], row["key"] or "", int(row["value"])) == (event.name, event.key, event.value)
        assert row["label"] == (f"'{event.label}" if format == "csv" and event.label == "=x" else event.label)
        assert row["client"] in (False, "no")
        at = datetime.fromisoformat(row["at"]) if isinstance(row["at"], str) else row["at"]
        assert at.replace(tzinfo=None) == event.at.replace(tzinfo=None)
    # A pseudonym, and no user.
    subjects = {row["subject"] for row in rows}
    assert len(subjects) == 1
    assert school.id("ann") not in subjects


async def test_a_mentor_gets_events_of_their_programs_without_subjects(school: School) -> None:
    await events(school)
    rows = await file(school.meera, "events")
    assert {row["program_id"] for row in rows} == {school.p}
    names = {row["name"] for row in rows}
    assert {"live.watched", "live.attended"} <= names
    assert not names & {"live.stars", "payments.revenue"}
    assert not {"id", "subject"} & {*rows[0]}
    assert await file(school.meera, "events", name="payments.revenue") == []
    refused(await school.meera.get(f"{EXPORTS}/events", params={"program": school.q}), 403, "forbidden")
    refused(await school.ann.get(f"{EXPORTS}/events"), 403, "forbidden")
    assert len(await file(school.root, "events", name="live.stars", program=school.q)) == 1


async def test_the_same_file_is_not_sent_again(school: School) -> None:
    await events(school)
    for format in FORMATS:
        params = {"format": format, "program": school.p}
        first = await school.root.get(f"{EXPORTS}/events", params=params)
        known = {"If-None-Match": first.headers["etag"]}
        again = await school.root.get(f"{EXPORTS}/events", params=params, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        other = await school.root.get(f"{EXPORTS}/events", params={**params, "program": school.q}, headers=known)
        assert other.status_code == 200
        # A tag is no right.
        refused(await school.omar.get(f"{EXPORTS}/events", params=params, headers=known), 403, "forbidden")


async def test_files_have_limits(school: School) -> None:
    await events(school, count=2100)
    answer = await school.root.get(f"{EXPORTS}/events", params={"program": school.p})
    refused(answer, 400, "invalid")
    assert "2000 rows" in answer.json()["detail"]
    # The connection and the turn are free again.
    for _ in range(12):
        assert await file(school.root, "events", name="live.stars", program=school.p)
    assert await file(school.root, "events", until="1990-01-01") == []
    assert await file(school.root, "events", **{"from": "8999-12-01", "until": "8999-12-20"}) == []
    long = {"from": "2026-01-01", "until": "2026-02-15"}
    refused(await school.root.get(f"{EXPORTS}/events", params=long), 400, "invalid")
    refused(await school.root.get(f"{EXPORTS}/events", params={"from": "2026-13-01"}), 400, "invalid")
    refused(await school.root.get(f"{EXPORTS}/measures/happiness"), 400, "analytics.unknown_measure")
    refused(await school.root.get(f"{EXPORTS}/events", params={"format": "pdf"}), 400, "invalid")


async def test_without_pyarrow_other_formats_go_on(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    answer = await school.root.get(f"{EXPORTS}/measures/attendance", params={"format": "parquet"})
    refused(answer, 409, "analytics.no_parquet")
    assert await file(school.root, "measures/attendance", "csv")


@pytest.mark.parametrize(
    ("window", "field"),
    [
        ({"from": "1000-01-01", "until": "1000-01-09"}, "from"),
        ({"from": "1970-01-01", "until": "1970-01-03"}, "from"),
        ({"until": "9999-12-31"}, "until"),
    ],
)
async def test_a_window_where_dates_end_is_invalid(school: School, window: dict[str, str], field: str) -> None:
    for path in ("exports/events", "measures/attendance", "dashboards/student"):
        by = {"by": "month"} if "measures" in path else {}
        answer = await school.root.get(f"{A}/{path}", params=window | by)
        refused(answer, 400, "invalid")
        assert [one["field"] for one in answer.json()["errors"]] == [field]
    asked = {"measure": "attendance", "by": "month", "window": {"kind": "fixed", **window}}
    answer = await school.root.post(f"{A}/query", json=asked)
    refused(answer, 400, "invalid")
    assert [one["field"] for one in answer.json()["errors"]] == [f"window.{field}"]
