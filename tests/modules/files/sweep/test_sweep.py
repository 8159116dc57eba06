"""Files that nobody needs are deleted: from the bucket first, and then in their rows."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from gateway import clock
from gateway.errors import Unavailable
from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.files.module import FilesModule
from modules.files.records import FileRecord
from modules.files.settings import FilesSettings
from modules.files.states import FileState
from modules.files.storage.s3 import NotThere
from modules.files.sweep.repository import SweepRepository, Why
from modules.files.sweep.sweep import Sweep
from tests.devcloud.aws import Aws
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, PDF, begun, completed, parts_sent, sent, uploaded
from tests.modules.programs.programs import user

HOUR = timedelta(hours=1)
MIB = 1024**2


async def row(files: FilesModule, id: str) -> FileRecord:
    found = await files.rows.find(id)
    assert found is not None
    return found


async def is_there(files: FilesModule, id: str) -> bool:
    try:
        await files.bucket.head((await row(files, id)).object_key)
    except NotThere:
        return False
    return True


async def cleared(caller: Caller, files: FilesModule, name: str = "") -> str:
    """The id of a file that is uploaded and has left the quarantine: nobody else has its row then."""
    id = str((await uploaded(caller(name or user())))["id"])

    async def clean() -> bool:
        return (await row(files, id)).state is FileState.CLEAN

    await eventually(clean, "the file is clean")
    return id


def later(hours: float) -> datetime:
    return clock.now() + hours * HOUR


async def test_an_upload_that_was_not_finished_is_deleted(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    made = await begun(ann)
    id = made["file"]["id"]
    done(await sent(made["upload"]), 204)
    # Its end is in an hour, and it is kept for some minutes then.
    await files.sweep.delete_due(Why.UNFINISHED, later(1.05))
    assert ((await row(files, id)).state, await is_there(files, id)) == (FileState.PENDING, True)
    await files.sweep.delete_due(Why.UNFINISHED, later(1.2))
    assert ((await row(files, id)).state, await is_there(files, id)) == (FileState.DELETED, False)
    refused(await ann.post(f"{FILES}/{id}/complete"), 404, "not_found")


async def test_the_parts_of_such_an_upload_are_forgotten(aws: Aws, caller: Caller, files: FilesModule) -> None:
    ann, content = caller(user()), PDF + bytes(17 * MIB)
    made = await begun(ann, content)
    await parts_sent(ann, made, content, 1)
    upload_id = (await row(files, made["file"]["id"])).upload_id
    assert upload_id in [one.upload_id async for one in files.bucket.uploads("files/")]
    await files.sweep.delete_due(Why.UNFINISHED, later(1.2))
    assert upload_id not in [one.upload_id async for one in files.bucket.uploads("files/")]
    assert (await row(files, made["file"]["id"])).state is FileState.DELETED


async def test_an_upload_that_is_completed_meanwhile_stays(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    made = await begun(ann)
    done(await sent(made["upload"]), 204)
    pending = await row(files, made["file"]["id"])
    await completed(ann, pending.id)
    # A gateway has claimed it just before.
    assert not await files.sweep.delete(pending, Why.UNFINISHED, later(1.2))
    assert await is_there(files, pending.id)


async def test_what_nothing_holds_is_deleted_after_a_while(
    caller: Caller, files: FilesModule, shelf: ShelfModule
) -> None:
    name = user()
    never, held, released = [await cleared(caller, files, name) for _ in range(3)]
    await shelf.put(f"a-{name}", held, released, owner=name)
    await shelf.put(f"a-{name}", held, owner=name)
    await files.sweep.delete_due(Why.UNHELD, later(23))
    assert [await is_there(files, id) for id in (never, held, released)] == [True, True, True]
    await files.sweep.delete_due(Why.UNHELD, later(25))
    assert [await is_there(files, id) for id in (never, held, released)] == [False, True, False]
    assert [(await row(files, id)).state for id in (never, released)] == [FileState.DELETED] * 2
    await shelf.clear(f"a-{name}")
    await files.sweep.delete_due(Why.UNHELD, later(25))
    assert not await is_there(files, held)


async def test_a_file_that_is_held_meanwhile_stays(caller: Caller, files: FilesModule, shelf: ShelfModule) -> None:
    name = user()
    unheld = await row(files, await cleared(caller, files, name))
    await shelf.put(f"b-{name}", unheld.id, owner=name)
    assert not await files.sweep.delete(unheld, Why.UNHELD, later(25))
    assert await is_there(files, unheld.id)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_row_says_deleted_after_the_bucket_does(
    aws: Aws, caller: Caller, files: FilesModule, when: str
) -> None:
    name = user()
    id = await cleared(caller, files, name)
    await aws.faults(operations={"s3.DeleteObject": {"error": "InternalError", "when": when}})
    with pytest.raises(Unavailable):
        await files.sweep.delete_due(Why.UNHELD, later(25))
    file = await row(files, id)
    assert file.state is not FileState.DELETED
    assert file.deleting_at is not None
    assert await is_there(files, id) is (when == "before")
    # Nobody reads it, or holds it, from then on.
    refused(await caller(name).get(f"{FILES}/{id}"), 404, "not_found")
    await aws.drive("DELETE", "faults")
    await files.sweep.delete_due(Why.DELETING, later(50))
    assert ((await row(files, id)).state, await is_there(files, id)) == (FileState.DELETED, False)


async def test_two_gateways_share_the_work(caller: Caller, files: FilesModule) -> None:
    # Nothing of other tests is left.
    await files.sweep.delete_due(Why.UNHELD, later(100))
    ids = [await cleared(caller, files) for _ in range(12)]
    sweeps = [
        Sweep(
            files.kernel,
            files.kernel.settings(FilesSettings),
            files.bucket,
            files.rows,
            files.lifecycle,
            files.removal,
        )
        for _ in range(2)
    ]
    counts = await asyncio.gather(*(sweep.delete_due(Why.UNHELD, later(100)) for sweep in sweeps))
    assert sum(counts) == len(ids)
    assert [await is_there(files, id) for id in ids] == [False] * len(ids)


async def test_what_a_gateway_leaves_behind_is_due_again(caller: Caller, files: FilesModule) -> None:
    id = await cleared(caller, files)
    rows, now = SweepRepository(files.kernel.database), later(25)
    until = now + timedelta(seconds=300)
    kept = timedelta(days=1)

    async def claimed(at: datetime) -> bool:
        return id in [file.id for file in await rows.claim(Why.UNHELD, kept, at, until, 1000)]

    assert [await claimed(now), await claimed(now), await claimed(until)] == [True, False, True]
