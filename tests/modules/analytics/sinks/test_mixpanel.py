"""What is sent to Mixpanel is within its limits, and each of its answers is taken for what it says."""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from devcloud.mixpanel.validation import check
from devstack import mixpanel as stand_in
from gateway.settings import SettingsError, read
from modules.analytics.facade import DeletionProgress, OutgoingEvent, SinkFault
from modules.analytics.settings import AnalyticsSettings
from modules.analytics.sinks.mixpanel.answers import TooLarge, progress_of, refused_of, task_of
from modules.analytics.sinks.mixpanel.records import MOST_BYTES, MOST_EVENTS, batches, record_of
from modules.analytics.sinks.mixpanel.sink import TOO_LARGE, MixpanelSink

AT = datetime(2026, 11, 30, 18, 29, 59, 999_999, tzinfo=UTC)
PROJECT = {f"{stand_in.PREFIX}{name}": value for name, value in stand_in.PROJECT.items()}


def event(**changes: Any) -> OutgoingEvent:
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "seq": 1,
        "at": AT,
        "name": "live.attended",
        "person": uuid.uuid4(),
        "program_id": "p",
        "session_id": "",
        "label": "late",
        "value": 7,
        "client": False,
    }
    return OutgoingEvent(**(values | changes))


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers=headers)


def settings(**changes: str) -> AnalyticsSettings:
    return read(AnalyticsSettings, PROJECT | changes, "KSMP_ANALYTICS_")


def test_a_record_is_one_that_mixpanel_takes() -> None:
    one = event()
    record = record_of(one)
    check(record)
    assert record == {
        "event": "live.attended",
        "properties": {
            "time": 1_796_063_399_999,
            "distinct_id": str(one.person),
            "$insert_id": str(one.id),
            "program_id": "p",
            "label": "late",
            "value": 7,
            "client": False,
        },
    }
    check(record_of(event(person=None)))


def test_batches_are_within_the_limits() -> None:
    many = [event() for _ in range(MOST_EVENTS + 1)]
    assert [len(part) for part, _ in batches(many)] == [MOST_EVENTS, 1]
    large = [event(label="x" * 900_000) for _ in range(5)]
    found = list(batches(large))
    assert [len(part) for part, _ in found] == [2, 2, 1]
    for part, body in found:
        unpacked = gzip.decompress(body)
        assert len(unpacked) <= MOST_BYTES
        assert [one["properties"]["$insert_id"] for one in json.loads(unpacked)] == [str(one.id) for one in part]
    assert list(batches([])) == []
    assert [body for _, body in batches(many)] == [body for _, body in batches(many)]


def test_what_is_refused_is_told_by_its_place() -> None:
    first, second = event(), event()
    failed = [{"index": 1, "insert_id": str(second.id), "field": "properties.time", "message": "too late"}]
    told = {"code": 400, "num_records_imported": 1, "failed_records": failed, "status": "Bad Request"}
    (refused,) = refused_of(answer(400, told), [first, second])
    assert (refused.event, refused.reason) == (second, "properties.time: too late")
    assert refused_of(answer(200, {"code": 200, "num_records_imported": 2, "status": "OK"}), [first, second]) == []


@pytest.mark.parametrize(
    ("given", "reason", "wait"),
    [
        (answer(429, {}, **{"Retry-After": "7"}), "429", 7.0),
        (answer(429, {}, **{"Retry-After": "999999"}), "429", 3600.0),
        (answer(503, b"<html>", **{"Retry-After": "soon"}), "503", None),
        (answer(401, {"code": 401}), "401", None),
        (answer(302, b"", Location="http://elsewhere"), "302", None),
        (answer(200, b"<html>"), "answer", None),
        (answer(200, {"status": "OK"}), "answer", None),
        # It says of no event that it is bad.
        (answer(400, {"code": 400, "error": "no array"}), "refused", None),
        (answer(400, {"failed_records": [{"index": 9}]}), "refused", None),
    ],
)
def test_everything_else_is_sent_again(given: httpx.Response, reason: str, wait: float | None) -> None:
    with pytest.raises(SinkFault) as caught:
        refused_of(given, [event()])
    assert (caught.value.reason, caught.value.retry_after) == (reason, wait)


def test_too_large_is_no_fault() -> None:
    with pytest.raises(TooLarge):
        refused_of(answer(413, {"code": 413}), [event()])


async def test_what_is_too_large_goes_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    sink, sizes = MixpanelSink(settings()), list[int]()

    async def imported(body: bytes) -> httpx.Response:
        records = json.loads(gzip.decompress(body))
        sizes.append(len(records))
        if any(one["properties"]["value"] == 13 for one in records):
            return answer(413, {"code": 413})
        return answer(200, {"num_records_imported": len(records)})

    # Mixpanel's limit is another one than what we keep to.
    monkeypatch.setattr(sink._client, "import_events", imported)
    bad = event(value=13)
    refused = await sink.send(0, [event(), event(), bad, event()])
    assert [(one.event, one.reason) for one in refused] == [(bad, TOO_LARGE)]
    assert sizes == [4, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("SUCCESS", DeletionProgress.DONE),
        ("PENDING", DeletionProgress.GOES_ON),
        ("STAGING", DeletionProgress.GOES_ON),
        ("STARTED", DeletionProgress.GOES_ON),
        ("UNKNOWN", DeletionProgress.GOES_ON),
        ("FAILURE", DeletionProgress.LOST),
        ("REVOKED", DeletionProgress.LOST),
        ("NOT_FOUND", DeletionProgress.LOST),
    ],
)
def test_states_of_a_deletion(status: str, progress: DeletionProgress) -> None:
    assert progress_of(answer(200, {"status": "ok", "results": {"status": status}})) is progress
    assert progress_of(answer(404, {})) is DeletionProgress.LOST
    assert task_of(answer(200, {"status": "ok", "results": {"task_id": "7"}})) == "7"
    for given in (answer(401, {}), answer(200, {"results": {}})):
        with pytest.raises(SinkFault):
            task_of(given)
        with pytest.raises(SinkFault):
            progress_of(given)


@pytest.mark.parametrize(
    "name",
    [
        "KSMP_ANALYTICS_MIXPANEL_ACCOUNT",
        "KSMP_ANALYTICS_MIXPANEL_SECRET",
        "KSMP_ANALYTICS_MIXPANEL_TOKEN",
        "KSMP_ANALYTICS_MIXPANEL_DELETION_TOKEN",
    ],
)
def test_a_project_is_set_whole(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings(**{name: ""}).examine_mixpanel()


def test_settings_say_where_events_go() -> None:
    assert settings().examine_mixpanel() == "events of users who allow it go to https://api-in.mixpanel.com"
    assert read(AnalyticsSettings, {}, "KSMP_ANALYTICS_").examine_mixpanel() == ""
    with pytest.raises(SettingsError, match="KSMP_ANALYTICS_MIXPANEL_BATCH"):
        settings(KSMP_ANALYTICS_MIXPANEL_BATCH="2001").examine_mixpanel()
    assert PROJECT["KSMP_ANALYTICS_MIXPANEL_PROJECT"] == "1000001"
