"""Objects and uploads in parts that no file knows are deleted, once they are older than any upload may be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.errors import Unavailable
from gateway.identifier import new_id
from gateway.settings import SettingsError
from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from modules.files.module import FilesModule
from modules.files.settings import FilesSettings
from modules.files.sweep import metrics, walk
from modules.files.sweep.repository import SweepRepository
from modules.files.sweep.walk import BucketWalk
from tests.devcloud.aws import Aws
from tests.modules.files.uploads import FILES, begun, sent, uploaded
from tests.modules.programs.programs import user

BUCKET = "ksmp-uploads"


@pytest.fixture(autouse=True)
def due(walk_due: None) -> None:
    """Each test begins at the first key."""


def later() -> datetime:
    """When what is written now is old enough."""
    return clock.now() + timedelta(days=3)


async def orphan(aws: Aws, key: str = "") -> str:
    """The key of an object that no file knows."""
    key = key or f"files/{new_id()}/0a1b"
    await aws.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    return key


async def there(aws: Aws, *keys: str) -> list[bool]:
    found: set[str] = set()
    async for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        found.update(one["Key"] for one in page.get("Contents", ()))
    return [key in found for key in keys]


def a_walk(files: FilesModule, **settings: Any) -> BucketWalk:
    """As another gateway has it, with other settings."""
    used = replace(files.kernel.settings(FilesSettings), **settings)
    return BucketWalk(SweepRepository(files.kernel.database), files.bucket, used)


async def test_an_object_without_a_file_is_deleted_when_it_is_old(aws: Aws, caller: Caller, files: FilesModule) -> None:
    unknown, outside = await orphan(aws), await orphan(aws, f"else/{new_id()}")
    mine = await files.rows.find((await uploaded(caller(user())))["id"])
    pending = await begun(caller(user()))
    done(await sent(pending["upload"]), 204)
    assert mine is not None
    keys = (unknown, outside, mine.object_key, pending["upload"]["fields"]["key"])
    # Its row may be on its way.
    await files.sweep.walk.look(clock.now())
    assert await there(aws, *keys) == [True, True, True, True]
    await files.sweep.walk.look(later())
    assert await there(aws, *keys) == [False, True, True, True]


async def test_an_upload_in_parts_without_a_file_is_aborted(aws: Aws, caller: Caller, files: FilesModule) -> None:
    key = f"files/{new_id()}/0a1b"
    unknown = (await aws.s3.create_multipart_upload(Bucket=BUCKET, Key=key))["UploadId"]
    made = await begun(caller(user()), size=100 * 1024**2)
    known = await files.rows.find(made["file"]["id"])
    assert known is not None

    async def uploads() -> list[bool]:
        found = [one.upload_id async for one in files.bucket.uploads("files/")]
        return [id in found for id in (unknown, known.upload_id)]

    await files.sweep.walk.look(clock.now())
    assert await uploads() == [True, True]
    await files.sweep.walk.look(later())
    assert await uploads() == [False, True]


async def test_an_object_that_comes_back_is_deleted_again(aws: Aws, caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    made = await begun(ann)
    key = made["upload"]["fields"]["key"]
    done(await ann.delete(f"{FILES}/{made['file']['id']}"), 204)
    # The form is good for a while yet.
    done(await sent(made["upload"]), 204)
    assert await there(aws, key) == [True]
    await files.sweep.walk.look(clock.now())
    assert await there(aws, key) == [False]


async def test_any_number_of_objects_that_come_back_is_deleted(aws: Aws, caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    unknown, keys = [await orphan(aws) for _ in range(3)], []
    for _ in range(3):
        made = await begun(ann)
        done(await ann.delete(f"{FILES}/{made['file']['id']}"), 204)
        done(await sent(made["upload"]), 204)
        keys.append(made["upload"]["fields"]["key"])
    await a_walk(files, orphan_most=2).look(later())
    assert await there(aws, *unknown, *keys) == [True] * 3 + [False] * 3


async def test_many_unknown_objects_are_left_alone(aws: Aws, files: FilesModule) -> None:
    keys = [await orphan(aws) for _ in range(3)]
    await a_walk(files, orphan_most=2).look(later())
    assert await there(aws, *keys) == [True, True, True]
    assert metrics.orphans_left._value.get() >= 3
    await files.sweep.walk.look(later() + timedelta(hours=7))
    assert await there(aws, *keys) == [False, False, False]
    assert metrics.orphans_left._value.get() == 0


async def test_a_walk_goes_on_where_it_was(
    aws: Aws, files: FilesModule, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = sorted([await orphan(aws) for _ in range(5)])
    monkeypatch.setattr(walk, "PAGE", 2)
    monkeypatch.setattr(walk, "PAGES", 1)
    await database.execute("INSERT INTO file_walk (name, after_key, next_at) VALUES ('bucket', $1, now())", keys[0])
    await files.sweep.walk.look(later())
    assert await there(aws, *keys) == [True, False, False, True, True]
    assert await database.fetchval("SELECT after_key FROM file_walk") == keys[2]
    # S3 goes away in the middle of the next page, and the same page is done again when its claim is over.
    await aws.faults(operations={"s3.DeleteObject": {"error": "InternalError"}})
    with pytest.raises(Unavailable):
        await files.sweep.walk.look(later())
    await aws.drive("DELETE", "faults")
    await files.sweep.walk.look(later())
    assert await there(aws, *keys) == [True, False, False, True, True]
    await files.sweep.walk.look(later() + timedelta(minutes=6))
    assert await there(aws, *keys) == [True, False, False, False, False]


async def test_of_two_gateways_one_walks(aws: Aws, files: FilesModule, database: asyncpg.Pool) -> None:
    # Nothing of other tests is left.
    await files.sweep.walk.look(later())
    await database.execute("DELETE FROM file_walk")
    key, before = await orphan(aws), metrics.orphans.labels("object")._value.get()
    await asyncio.gather(*(a_walk(files).look(later()) for _ in range(2)))
    assert await there(aws, key) == [False]
    assert metrics.orphans.labels("object")._value.get() == before + 1


def test_an_object_must_be_older_than_any_upload() -> None:
    with pytest.raises(SettingsError, match="KSMP_FILES_ORPHAN_AGE"):
        FilesSettings(upload_life=3600.0, orphan_age=7000.0)
    with pytest.raises(SettingsError, match="KSMP_FILES_SCANNER"):
        FilesSettings(scanner="clamd")
