"""The stand-in for Mixpanel takes and refuses what Mixpanel's own pages say."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from devcloud.mixpanel.imports import MOST_BYTES
from devcloud.mixpanel.project import TOKEN
from tests.devcloud.mixpanel.stand_in import Mixpanel


@pytest.fixture
async def mixpanel(devcloud: str) -> AsyncIterator[Mixpanel]:
    stand_in = Mixpanel(devcloud)
    await stand_in.clear()
    yield stand_in
    await stand_in.clear()
    await stand_in.aclose()


def record(**properties: Any) -> dict[str, Any]:
    own = {"time": int(time.time() * 1000), "distinct_id": "ann", "$insert_id": str(uuid.uuid4())}
    return {"event": "opened", "properties": own | properties}


async def test_what_is_the_same_is_there_once(mixpanel: Mixpanel) -> None:
    first, second = record(), record()
    for batch in ([first, second], [first]):
        answer = await mixpanel.post(gzip.compress(json.dumps(batch).encode()), headers={"Content-Encoding": "gzip"})
        assert answer.json() == {"code": 200, "num_records_imported": len(batch), "status": "OK"}
    assert [one["came"] for one in await mixpanel.events("ann")] == [2, 1]
    # The time is part of what makes them the same.
    moved = {"event": "opened", "properties": first["properties"] | {"time": first["properties"]["time"] - 1}}
    lines = b"\n".join(json.dumps(one).encode() for one in (moved, record(distinct_id="bob")))
    assert (await mixpanel.post(lines, headers={"Content-Type": "application/x-ndjson"})).status_code == 200
    assert len(await mixpanel.events("ann")) == 3


async def test_bad_records_are_named_and_the_others_kept(mixpanel: Mixpanel) -> None:
    await mixpanel.drive("PUT", "behaviour", {"refused": ["closed"]})
    bad = [
        record(time=None),
        record(time="now"),
        record(time=1),
        record(time=int(time.time() * 1000) + 7_200_000),
        record(distinct_id="anonymous"),
        record(distinct_id=None),
        record(**{"$insert_id": "x" * 37}),
        record(**{"$insert_id": "a_b"}),
        record(**{f"p{number}": number for number in range(255)}),
        {**record(), "event": ""},
        {**record(), "event": "closed"},
        "no record",
    ]
    answer = await mixpanel.post([*bad, record(distinct_id="")])
    assert answer.status_code == 400
    body = answer.json()
    assert body["num_records_imported"] == 1
    assert [one["index"] for one in body["failed_records"]] == list(range(len(bad)))
    assert [one["field"] for one in body["failed_records"]] == [
        *["properties.time"] * 4,
        *["properties.distinct_id"] * 2,
        *["properties.$insert_id"] * 2,
        "properties",
        "event",
        "event",
        "",
    ]
    assert body["failed_records"][4]["insert_id"] == bad[4]["properties"]["$insert_id"]  # type: ignore[index]
    assert (await mixpanel.post(bad, strict="0")).status_code == 200
    assert len(await mixpanel.events()) == 1


async def test_limits_and_keys(mixpanel: Mixpanel) -> None:
    async def status(body: object, **more: Any) -> int:
        return (await mixpanel.post(body, **more)).status_code

    assert await status([record() for _ in range(2001)]) == 413
    assert await status([record(note="x" * MOST_BYTES)]) == 413
    packed = gzip.compress(json.dumps([record(note="x" * MOST_BYTES)]).encode())
    assert await status(packed, headers={"Content-Encoding": "gzip"}) == 413
    assert await status(b"no gzip", headers={"Content-Encoding": "gzip"}) == 400
    assert await status({"event": "opened"}) == 400
    assert await status([record()], auth=("me", "wrong")) == 401
    assert await status([record()], project="7") == 401
    assert await status([record()], auth=(TOKEN, ""), project="") == 200


async def test_a_deletion_ends_at_its_second_look(mixpanel: Mixpanel) -> None:
    await mixpanel.post([record(), record(distinct_id="bob")])
    assert (await mixpanel.deletion("POST", body={"distinct_ids": ["ann"]}, bearer="x")).status_code == 401
    assert (await mixpanel.deletion("POST", body={"distinct_ids": []})).status_code == 400
    made = await mixpanel.deletion("POST", body={"distinct_ids": ["ann"], "compliance_type": "GDPR"})
    task = made.json()["results"]["task_id"]

    async def state() -> str:
        found: str = (await mixpanel.deletion("GET", task)).json()["results"]["status"]
        return found

    assert (await state(), len(await mixpanel.events("ann"))) == ("PENDING", 1)
    assert (await state(), len(await mixpanel.events("ann"))) == ("SUCCESS", 0)
    assert len(await mixpanel.events("bob")) == 1
    assert (await mixpanel.deletion("GET", "7")).json()["results"]["status"] == "NOT_FOUND"


async def test_faults(mixpanel: Mixpanel) -> None:
    await mixpanel.fail(fault="rate_limited", times=1, retry_after=3)
    answer = await mixpanel.post([record()])
    assert (answer.status_code, answer.headers["retry-after"], await mixpanel.events()) == (429, "3", [])
    await mixpanel.fail(fault="cut", times=1, accepted=True)
    with pytest.raises(httpx.RemoteProtocolError):
        await mixpanel.post([record()])
    assert len(await mixpanel.events()) == 1
    await mixpanel.fail(hang=0.01, times=1)
    assert (await mixpanel.post([record()])).status_code == 200
    assert await mixpanel.drive("GET", "traffic") == {"429": 1, "cut": 1, "200": 1}
    await mixpanel.fail("deletions", fault="unavailable")
    assert (await mixpanel.deletion("POST", body={"distinct_ids": ["ann"]})).status_code == 503
