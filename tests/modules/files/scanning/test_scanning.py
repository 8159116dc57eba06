"""A file is read by others once it is compared with its checksum and the scanner has found nothing in it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from devcloud.clamd import EICAR
from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.files.module import FilesModule
from modules.files.scanning.scanning import Scanning
from modules.files.settings import FilesSettings
from modules.files.states import FileState
from modules.files.storage.s3 import NotThere
from tests.devcloud.aws import Aws
from tests.modules.files.shelf import OTHER, ShelfModule
from tests.modules.files.uploads import FILES, PDF, begun, completed, parts_sent, sent, sha256, uploaded
from tests.modules.programs.programs import user

MIB = 1024**2
VIRUS = PDF + EICAR


async def settled(who: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """The file when it has left the quarantine."""
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update(done(await who.get(f"{FILES}/{id}")))
        return found["state"] not in ("pending", "quarantined")

    await eventually(over, f"file {id} leaves the quarantine", 20.0)
    return found


async def outcome(database: asyncpg.Pool, id: str) -> tuple[str, int]:
    row = await database.fetchrow("SELECT scan, scan_tries FROM file WHERE id = $1", id)
    assert row is not None
    return row["scan"], row["scan_tries"]


async def is_gone(files: FilesModule, id: str) -> bool:
    file = await files.rows.find(id)
    assert file is not None
    try:
        await files.bucket.head(file.object_key)
    except NotThere:
        return True
    return False


async def tried(database: asyncpg.Pool, id: str, times: int = 1) -> None:
    async def often() -> bool:
        return (await outcome(database, id))[1] >= times

    await eventually(often, f"{times} scans of {id} failed", 20.0)


async def test_a_clean_file_passes(caller: Caller, database: asyncpg.Pool, node: Running) -> None:
    ann = caller(user())
    stored = await uploaded(ann)
    await node.events_handled("files.scan", "files.scan_again")
    assert (await settled(ann, stored["id"]))["state"] == "clean"
    assert await outcome(database, stored["id"]) == ("clean", 0)


async def test_an_infected_file_is_rejected_and_deleted(
    caller: Caller, files: FilesModule, shelf: ShelfModule, database: asyncpg.Pool
) -> None:
    ann, bob = caller(user()), caller(user())
    stored = await uploaded(ann, VIRUS)
    found = await settled(ann, stored["id"])
    assert (found["state"], found["own"]["reason"]) == ("rejected", "infected")
    assert found["rev"] > stored["rev"]
    await eventually(lambda: is_gone(files, stored["id"]), "the object is deleted")
    assert await outcome(database, stored["id"]) == ("infected", 0)
    refused(await ann.post(f"{FILES}/{stored['id']}/complete"), 409, "files.rejected")
    refused(await bob.get(f"{FILES}/{stored['id']}/url"), 404, "not_found")


async def refused_while_held(aws: Aws, caller: Caller, shelf: ShelfModule, place: str) -> tuple[httpx.AsyncClient, str]:
    """A file that is held by something that keeps what is refused, and was refused then."""
    await aws.drive("PUT", "scanner", json={"mode": "silent"})
    name = user()
    ann = caller(name)
    id = (await uploaded(ann, purpose=OTHER))["id"]
    await shelf.put(place, id, owner=name, purpose=OTHER)
    await aws.drive("PUT", "scanner", json={"mode": "infected"})
    assert (await settled(ann, id))["state"] == "rejected"
    return ann, id


async def test_what_was_handed_in_is_kept_when_the_scanner_is_wrong(
    aws: Aws, caller: Caller, files: FilesModule, shelf: ShelfModule
) -> None:
    name = user()
    shelf.readers.add(name)
    ann, id = await refused_while_held(aws, caller, shelf, user())
    stored_at = done(await ann.get(f"{FILES}/{id}"))["own"]["stored_at"]
    assert not await is_gone(files, id)
    refused(await caller(name).get(f"{FILES}/{id}/url"), 409, "files.rejected")
    refused(await ann.post(f"{FILES}/{id}/rescan"), 403, "forbidden")
    admin = caller(user(), "admin")
    refused(await admin.post(f"{FILES}/{user()}/rescan"), 404, "not_found")
    await aws.drive("PUT", "scanner", json={})
    assert done(await admin.post(f"{FILES}/{id}/rescan"))["state"] == "quarantined"
    found = await settled(ann, id)
    # What a receipt says of its upload stays.
    assert (found["state"], found["own"]["reason"], found["own"]["stored_at"]) == ("clean", "", stored_at)
    assert done(await caller(name).get(f"{FILES}/{id}/url"))["url"]
    refused(await admin.post(f"{FILES}/{id}/rescan"), 409, "files.rejected")
    (entry,) = done(await admin.get("/api/v1/audit", params={"subject": id}))["items"]
    assert entry["act"] == "files.rescan"


async def test_what_was_refused_goes_with_the_last_that_holds_it(
    aws: Aws, caller: Caller, files: FilesModule, shelf: ShelfModule, database: asyncpg.Pool
) -> None:
    place = user()
    _, id = await refused_while_held(aws, caller, shelf, place)
    assert await database.fetchval("SELECT deleting_at FROM file WHERE id = $1", id) is None
    await shelf.clear(place)
    # The sweep deletes what is marked so.
    assert await database.fetchval("SELECT deleting_at FROM file WHERE id = $1", id) is not None
    refused(await caller(user(), "admin").post(f"{FILES}/{id}/rescan"), 409, "files.rejected")


async def test_what_is_in_quarantine_is_read_by_nobody_else(
    aws: Aws, caller: Caller, shelf: ShelfModule, database: asyncpg.Pool
) -> None:
    await aws.drive("PUT", "scanner", json={"mode": "silent"})
    ann, name = caller(user()), user()
    shelf.readers.add(name)
    stored = await uploaded(ann)
    await tried(database, stored["id"])
    assert (await caller(name).get(f"{FILES}/{stored['id']}/url")).status_code in (404, 409)
    assert done(await ann.get(f"{FILES}/{stored['id']}"))["state"] == "quarantined"


@pytest.mark.parametrize("state", [{"mode": "silent"}, {"mode": "closes"}, {"mode": "away"}])
async def test_a_silent_scanner_is_asked_again(
    aws: Aws, caller: Caller, database: asyncpg.Pool, files: FilesModule, state: dict[str, Any]
) -> None:
    await aws.drive("PUT", "scanner", json=state)
    ann = caller(user())
    stored = await uploaded(ann, VIRUS)
    await tried(database, stored["id"], 2)
    # Fail closed: it stays where it is, however long that takes.
    assert done(await ann.get(f"{FILES}/{stored['id']}"))["state"] == "quarantined"
    await aws.drive("PUT", "scanner", json={})
    assert (await settled(ann, stored["id"]))["own"]["reason"] == "infected"


async def test_files_wait_while_s3_is_away(aws: Aws, caller: Caller, database: asyncpg.Pool) -> None:
    ann = caller(user())
    made = await begun(ann)
    done(await sent(made["upload"]), 204)
    await aws.drive("PUT", "scanner", json={"mode": "silent"})
    await completed(ann, made["file"]["id"])
    await tried(database, made["file"]["id"])
    await aws.faults(operations={"s3.GetObject": {"error": "SlowDown", "times": 4}})
    await aws.drive("PUT", "scanner", json={})
    assert (await settled(ann, made["file"]["id"]))["state"] == "clean"


async def test_parts_that_make_another_whole_are_rejected(caller: Caller, files: FilesModule) -> None:
    ann = caller(user())
    content = PDF + bytes(17 * MIB)
    # Each part is what was announced of it; only the whole is not.
    made = await begun(ann, content, sha256=sha256(b"else"))
    await parts_sent(ann, made, content, *range(1, made["upload"]["parts"] + 1))
    await completed(ann, made["file"]["id"])
    found = await settled(ann, made["file"]["id"])
    assert (found["state"], found["own"]["reason"]) == ("rejected", "checksum")
    await eventually(lambda: is_gone(files, made["file"]["id"]), "the object is deleted")


async def test_a_file_that_no_scanner_takes_is_compared_alone(
    aws: Aws, caller: Caller, database: asyncpg.Pool, files: FilesModule
) -> None:
    ann = caller(user())
    # Larger than what is sent to the scanner here.
    large = await uploaded(ann, PDF + bytes(21 * MIB))
    assert (await settled(ann, large["id"]))["state"] == "clean"
    assert await outcome(database, large["id"]) == ("too_large", 0)
    await aws.drive("PUT", "scanner", json={"most_bytes": 10})
    small = await uploaded(ann)
    assert (await settled(ann, small["id"]))["state"] == "clean"
    assert await outcome(database, small["id"]) == ("too_large", 0)


async def held_back(aws: Aws, caller: Caller, database: asyncpg.Pool, content: bytes = PDF) -> str:
    """A file that waits for a scanner that is away."""
    await aws.drive("PUT", "scanner", json={"mode": "away"})
    stored = await uploaded(caller(user()), content)
    await tried(database, stored["id"])
    return str(stored["id"])


def scanning(files: FilesModule, scanner: str, **settings: Any) -> Scanning:
    """As a gateway with other settings has it."""
    used = replace(files.kernel.settings(FilesSettings), scanner=scanner, scan_timeout=0.5, **settings)
    return Scanning(files.kernel, used, files.bucket, files.rows, files.lifecycle, files.removal)


async def test_with_fail_open_a_file_passes_after_a_while(
    aws: Aws, caller: Caller, database: asyncpg.Pool, files: FilesModule, scanner: str
) -> None:
    id = await held_back(aws, caller, database, VIRUS)
    await scanning(files, scanner, scan_fail_closed=False, scan_patience=3600.0).scan(id)
    file = await files.rows.find(id)
    assert file is not None
    assert file.state is FileState.QUARANTINED
    await scanning(files, scanner, scan_fail_closed=False, scan_patience=0.0).scan(id)
    file = await files.rows.find(id)
    assert file is not None
    assert file.state is FileState.CLEAN
    assert (await outcome(database, id))[0] == "unscanned"


async def test_a_setting_rejects_what_cannot_be_scanned(
    aws: Aws, caller: Caller, database: asyncpg.Pool, files: FilesModule, scanner: str
) -> None:
    id = await held_back(aws, caller, database)
    await scanning(files, scanner, scan_pass_large=False, scan_bytes=5).scan(id)
    file = await files.rows.find(id)
    assert file is not None
    assert (file.state, file.reason) == (FileState.REJECTED, "unscannable")


async def test_an_object_that_is_gone_is_not_scanned_for_ever(
    aws: Aws, caller: Caller, database: asyncpg.Pool, files: FilesModule, scanner: str
) -> None:
    id = await held_back(aws, caller, database)
    file = await files.rows.find(id)
    assert file is not None
    await files.bucket.delete(file.object_key)
    await aws.drive("PUT", "scanner", json={})
    await scanning(files, scanner).scan(id)
    file = await files.rows.find(id)
    assert file is not None
    assert (file.state, file.reason) == (FileState.REJECTED, "lost")


async def test_a_scan_whose_event_was_lost_is_found(
    aws: Aws, caller: Caller, database: asyncpg.Pool, files: FilesModule
) -> None:
    id = await held_back(aws, caller, database)
    await database.execute("UPDATE file SET scan_at = NULL WHERE id = $1", id)
    # The worker does not take it now: its event may still come.
    later = clock.now() + timedelta(minutes=2)
    # Of two gateways that look at the same moment one takes it.
    looks = await asyncio.gather(*(files.due_scans.look(later) for _ in range(2)))
    assert sorted(id in found for found in looks) == [False, True]
