"""Files for a warehouse: one for each day of a batch, written in place of itself, and anew without who withdrew."""

from __future__ import annotations

import gzip
import io
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aioboto3  # type: ignore[import-untyped,unused-ignore]
import asyncpg
import msgspec
import pyarrow.parquet as pq
import pytest

from gateway.aws.service import AwsConfig
from gateway.contract import Database
from gateway.settings import read
from ksmp_testkit import Caller, MakeGateway, Running
from modules.analytics.facade import DeletionProgress, OutgoingEvent
from modules.analytics.measures.zone import Zone
from modules.analytics.settings import AnalyticsSettings
from modules.analytics.sinks.warehouse import sink as warehouse_sink
from modules.analytics.sinks.warehouse.bucket import WarehouseBucket
from modules.analytics.sinks.warehouse.file_format import FORMATS, FileFormat, best_format, format_of
from modules.analytics.sinks.warehouse.sink import WarehouseSink
from tests.modules.analytics.sinks.conftest import ENVIRON, Choose, Store
from tests.modules.analytics.sinks.test_deleting import ended
from tests.modules.analytics.sinks.test_sending import outside, passed

BUCKET = "ksmp-uploads"
ANN, BOB = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"warehouse-{uuid.uuid4().hex[:8]}/"


@pytest.fixture(scope="module")
def environ(prefix: str) -> dict[str, str]:
    return ENVIRON | {
        "KSMP_ANALYTICS_WAREHOUSE_BUCKET": BUCKET,
        "KSMP_ANALYTICS_WAREHOUSE_PREFIX": prefix,
        "KSMP_ANALYTICS_WAREHOUSE_INTERVAL": "0.05",
        "KSMP_ANALYTICS_WAREHOUSE_ROWS": "1000",
    }


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str], devcloud: str) -> AsyncIterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "any")
        async with gateway(environ=environ, aws_endpoint=devcloud, aws_region="us-east-1") as running:
            yield running


@pytest.fixture
async def files(node: Running, devcloud: str) -> AsyncIterator[Any]:
    """`await files(prefix)` reads all rows of all files below it, by the files' names."""
    session = aioboto3.Session(aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1")
    async with session.client("s3", endpoint_url=devcloud) as s3:

        async def found(prefix: str) -> dict[str, list[dict[str, Any]]]:
            page = await s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
            keys = [one["Key"] for one in page.get("Contents", ())]
            contents = [await (await s3.get_object(Bucket=BUCKET, Key=key))["Body"].read() for key in keys]
            return {key: rows_of(key, content) for key, content in zip(keys, contents, strict=True)}

        yield found


def rows_of(path: str, content: bytes) -> list[dict[str, Any]]:
    if path.endswith(".parquet"):
        rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
        return rows
    return [msgspec.json.decode(line) for line in gzip.decompress(content).splitlines()]


def event(person: uuid.UUID | None = ANN, at: str = "2026-11-30T18:29:59Z", seq: int = 1) -> OutgoingEvent:
    return OutgoingEvent(
        id=uuid.uuid4(),
        seq=seq,
        at=datetime.fromisoformat(at),
        name="live.attended",
        person=person,
        program_id="p",
        session_id="",
        label="",
        value=7,
        client=False,
    )


def sink_of(database: Database, devcloud: str, prefix: str, file_format: FileFormat) -> WarehouseSink:
    settings = read(AnalyticsSettings, {"KSMP_ANALYTICS_WAREHOUSE_PREFIX": prefix}, "KSMP_ANALYTICS_")
    bucket = WarehouseBucket(AwsConfig("us-east-1", devcloud, 10.0), BUCKET)
    return WarehouseSink(database, bucket, settings, Zone("Asia/Kolkata"), file_format)


@pytest.mark.parametrize("file_format", FORMATS, ids=lambda one: one.suffix)
def test_a_file_has_what_was_written(file_format: FileFormat) -> None:
    events = [event(), event(BOB), event(None)]
    content = file_format.written(events)
    path = f"x.{file_format.suffix}"
    assert format_of(path) is file_format
    assert file_format.written(events) == content
    rows = rows_of(path, content)
    assert [row["id"] for row in rows] == [str(one.id) for one in events]
    assert [row["person"] for row in rows] == [str(ANN), str(BOB), None]
    assert str(rows[0]["at"])[:10] == "2026-11-30"
    left = file_format.without(content, {str(ANN)})
    assert [row["id"] for row in rows_of(path, left)] == [str(one.id) for one in events[1:]]
    # It can be done again, and what is empty is no file.
    assert file_format.without(left, {str(ANN)}) == left
    assert file_format.without(file_format.written([event()]), {str(ANN)}) == b""


def test_parquet_is_best_where_it_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert best_format().suffix == "parquet"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert best_format().suffix == "jsonl.gz"


@pytest.mark.parametrize("file_format", FORMATS, ids=lambda one: one.suffix)
async def test_a_batch_is_written_in_place_of_itself_and_without_who_withdrew(
    node: Running, database: asyncpg.Pool, devcloud: str, files: Any, file_format: FileFormat, monkeypatch: Any
) -> None:
    prefix, ann, bob = f"w-{uuid.uuid4().hex[:8]}/", uuid.uuid4(), uuid.uuid4()
    sink = sink_of(node.gateway.database, devcloud, prefix, file_format)
    await sink.open()
    # A second before and after midnight in India.
    batch = [event(ann), event(bob), event(ann, "2026-11-30T18:30:00Z"), event(None, "2026-11-30T18:30:00Z")]
    for _ in range(2):
        assert await sink.send(7, batch) == ()
    first, second = (f"{prefix}day={day}/{7:020}.{file_format.suffix}" for day in ("2026-11-30", "2026-12-01"))
    shown = await files(prefix)
    assert {path: len(rows) for path, rows in shown.items()} == {first: 2, second: 2}
    await sink.send(9, [event(ann)])
    # It goes on in several looks.
    monkeypatch.setattr(warehouse_sink, "MOST_FILES", 1)
    task = await sink.delete([ann])
    looks = 0
    while await sink.deletion(task, [ann]) is DeletionProgress.GOES_ON:
        looks += 1
    assert (task, looks) == ("files", 2)
    shown = await files(prefix)
    assert {path: [row["person"] for row in rows] for path, rows in shown.items()} == {
        first: [str(bob)],
        second: [None],
    }
    assert await sink.delete([ann]) == ""
    # One that was noted and then not written is no error.
    note = "INSERT INTO analytics_warehouse_file VALUES ('warehouse', $1, $2)"
    await database.execute(note, ann, f"{prefix}nothing.{file_format.suffix}")
    monkeypatch.undo()
    assert await sink.delete([ann, bob]) == ""
    assert list(await files(prefix)) == [second]
    await sink.close()


async def test_events_go_into_files_by_day_and_leave_them_again(
    node: Running,
    caller: Caller,
    database: asyncpg.Pool,
    store: Store,
    choose: Choose,
    person: str,
    program: str,
    prefix: str,
    files: Any,
) -> None:
    bob = f"bob-{person}"
    for user in (person, bob):
        await choose(user, sinks=True)
    stored = [*await store(person, count=3), *await store(bob), *await store()]
    await passed(database, "warehouse")

    async def mine() -> list[dict[str, Any]]:
        rows = [row for its in (await files(prefix)).values() for row in its]
        return [row for row in rows if row["program_id"] == program]

    rows = await mine()
    assert sorted(row["id"] for row in rows) == sorted(str(id) for id in stored)
    alias = await outside(database, person)
    assert sorted(row["person"] or "" for row in rows) == sorted([*[alias] * 3, await outside(database, bob), ""])
    (day,) = {path.split("/")[1] for path in await files(prefix)} & {
        f"day={Zone('Asia/Kolkata').day_of(datetime.now(UTC))}"
    }
    assert day
    await choose(person, sinks=False)
    await ended(caller("boss", "admin"), "warehouse", alias)
    assert sorted(row["id"] for row in await mine()) == sorted(str(id) for id in stored[3:])
    assert not await database.fetch("SELECT FROM analytics_warehouse_file WHERE outside = $1", uuid.UUID(alias))
