"""The storage as siblings use it: what holds files, what nothing holds, and whether the objects are there."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import random
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.errors import BadInput, Conflict
from gateway.identifier import new_id
from ksmp_testkit import Running
from modules.files.facade import FileFacts
from modules.files.module import FilesModule
from modules.files.records import FileRecord
from modules.files.states import FileState
from tests.modules.files.shelf import OTHER, THING, ShelfModule
from tests.modules.programs.programs import user

CONTENT = b"%PDF-1.7 some pages"


def record(**values: Any) -> FileRecord:
    now, id = clock.now(), new_id()
    return FileRecord(
        **{
            "id": id,
            "owner_id": user(),
            "purpose": THING,
            "target": "shelf:1",
            "name": "pages.pdf",
            "type": "application/pdf",
            "size": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "object_key": f"files/{id}/{uuid.uuid4().hex}",
            "begun_at": now,
            "expires_at": now + timedelta(hours=1),
        }
        | values
    )


async def stored(files: FilesModule, *, content: bytes = CONTENT, **values: Any) -> FileFacts:
    """A file that was uploaded and checked."""
    file = record(size=len(content), sha256=hashlib.sha256(content).hexdigest(), **values)
    await files.rows.insert(file)
    await files.bucket.put(file.object_key, content, file.type)
    found = await files.lifecycle.store(file.id)
    assert found is not None
    return found.facts()


async def unheld(files: FilesModule, file: FileFacts) -> bool:
    found = await files.rows.find(file.id)
    assert found is not None
    return found.unheld_at is not None


async def test_a_holder_holds_files_in_their_order(files: FilesModule, shelf: ShelfModule) -> None:
    one, two, three = [await stored(files, owner_id="ann") for _ in range(3)]
    place, holder = new_id(), "shelf.place:"
    assert [file.id for file in await shelf.put(place, two.id, one.id, owner="ann")] == [two.id, one.id]
    await shelf.put(place, one.id, three.id, two.id, owner="ann")
    held = (await shelf.files.held([f"{holder}{place}", "shelf.place:none"]))[f"{holder}{place}"]
    assert [file.id for file in held] == [one.id, three.id, two.id]
    assert held[0].holders == (f"{holder}{place}",)
    assert not await unheld(files, two)

    await shelf.put(place, three.id, owner="ann")
    assert [await unheld(files, file) for file in (one, two, three)] == [True, True, False]
    await shelf.clear(place)
    assert await unheld(files, three)
    assert await shelf.files.held([f"{holder}{place}"]) == {}
    assert (await shelf.files.facts([three.id, "unknown"]))[three.id].holders == ()


async def test_what_one_holds_another_may_hold_too(files: FilesModule, shelf: ShelfModule) -> None:
    one, two = [await stored(files, owner_id="ann") for _ in range(2)]
    source, place = new_id(), new_id()
    await shelf.put(source, two.id, one.id, owner="ann")
    names = f"shelf.place:{source}", f"shelf.place:{place}"
    async with shelf.kernel.database.transaction():
        await shelf.files.share(*names, [two.id, one.id])
    held = await shelf.files.held(names)
    assert [file.id for file in held[names[1]]] == [file.id for file in held[names[0]]] == [two.id, one.id]
    await shelf.clear(source)
    assert not await unheld(files, one)
    # One that it does not hold is not shared, and nothing else is then.
    with pytest.raises(Conflict) as caught:
        async with shelf.kernel.database.transaction():
            await shelf.files.share(names[1], f"shelf.place:{new_id()}", [two.id, new_id()])
    assert caught.value.code == "files.not_ready"
    assert (await shelf.files.facts([two.id]))[two.id].holders == (names[1],)
    await shelf.clear(place)


async def test_what_may_not_be_held(files: FilesModule, shelf: ShelfModule) -> None:
    place = new_id()
    mine, theirs = await stored(files, owner_id="ann"), await stored(files, owner_id="bob")
    elsewhere = await stored(files, owner_id="ann", purpose=OTHER)
    for wrong in (theirs.id, elsewhere.id, new_id()):
        with pytest.raises(BadInput) as caught:
            await shelf.put(place, mine.id, wrong, owner="ann")
        assert (caught.value.code, caught.value.field) == ("invalid", "files")
    with pytest.raises(BadInput):
        await shelf.put(place, mine.id, mine.id, owner="ann")
    pending = record(owner_id="ann")
    await files.rows.insert(pending)
    with pytest.raises(Conflict) as early:
        await shelf.put(place, pending.id, owner="ann")
    assert early.value.code == "files.not_ready"
    await files.lifecycle.reject(pending.id, "infected")
    with pytest.raises(Conflict) as late:
        await shelf.put(place, pending.id, owner="ann")
    assert late.value.code == "files.not_ready"
    assert await shelf.files.held([f"shelf.place:{place}"]) == {}

    # Anybody's may be held where the holder says so, and stay where they are.
    await shelf.put(place, theirs.id, owner=None)
    assert len(await shelf.put(place, theirs.id, mine.id, owner="ann")) == 2


async def test_of_two_that_let_go_at_once_the_last_one_counts(files: FilesModule, shelf: ShelfModule) -> None:
    for _ in range(10):
        file, places = await stored(files, owner_id="ann"), [new_id(), new_id()]
        for place in places:
            await shelf.put(place, file.id, owner="ann")
        await asyncio.gather(*(shelf.clear(place) for place in places))
        assert await unheld(files, file)


async def test_a_file_is_held_or_deleted_and_never_both(files: FilesModule, shelf: ShelfModule) -> None:
    for _ in range(10):
        file = await stored(files, owner_id="ann")
        held, deleting = await asyncio.gather(
            shelf.put(new_id(), file.id, owner="ann"), files.lifecycle.begin_deletion(file.id), return_exceptions=True
        )
        assert isinstance(held, BadInput) == (deleting is not None)
    file = await stored(files, owner_id="ann")
    assert await files.lifecycle.begin_deletion(file.id) is not None
    with pytest.raises(BadInput):
        await shelf.put(new_id(), file.id, owner="ann")


# No file is held and being deleted; and exactly those that nothing holds wait for the sweep.
WRONG = """
    SELECT id FROM file WHERE owner_id = $1 AND CASE
        WHEN EXISTS (SELECT FROM file_reference WHERE file_id = file.id)
            THEN deleting_at IS NOT NULL OR unheld_at IS NOT NULL
        ELSE deleting_at IS NULL AND unheld_at IS NULL END
"""


async def test_references_hold_whatever_happens_at_once(
    files: FilesModule, shelf: ShelfModule, database: asyncpg.Pool[Any]
) -> None:
    """Holders take, change and drop the same files while others delete them."""
    chance, who = random.Random(12), user()
    ids = [(await stored(files, owner_id=who)).id for _ in range(12)]
    places = [new_id() for _ in range(5)]

    async def act(number: int) -> None:
        place, some = chance.choice(places), chance.sample(ids, chance.randint(0, 4))
        with contextlib.suppress(BadInput):
            match chance.randrange(8):
                case 0:
                    await shelf.clear(*chance.sample(places, 2))
                case 1:
                    await files.lifecycle.begin_deletion(chance.choice(ids))
                case 2:
                    await files.lifecycle.clear(chance.choice(ids))
                case _:
                    await shelf.put(place, *some, owner=who)

    for _ in range(12):
        await asyncio.gather(*(act(number) for number in range(8)))
        assert [row["id"] for row in await database.fetch(WRONG, who)] == []
    assert await database.fetchval("SELECT count(*) FROM file WHERE owner_id = $1 AND deleting_at IS NULL", who)


async def test_objects_are_verified(files: FilesModule, shelf: ShelfModule) -> None:
    good = [await stored(files, content=CONTENT + bytes([number])) for number in range(5)]
    await shelf.files.verify(good)
    assert await shelf.files.read(good[3]) == CONTENT + b"\3"
    assert b"".join([piece async for piece in shelf.files.stream(good[3])]) == CONTENT + b"\3"
    kept = await files.rows.find(good[2].id)
    assert kept is not None

    await files.bucket.put(kept.object_key, CONTENT + b"\2longer", "application/pdf")
    with pytest.raises(Conflict) as changed:
        await shelf.files.verify(good)
    assert changed.value.code == "files.lost"
    await files.bucket.put(kept.object_key, CONTENT + b"\3", "application/pdf")
    with pytest.raises(Conflict):
        await shelf.files.verify([good[2]])

    await files.bucket.delete(kept.object_key)
    for call in (shelf.files.verify(good), shelf.files.read(good[2])):
        with pytest.raises(Conflict) as gone:
            await call
        assert gone.value.code == "files.lost"
    async with shelf.kernel.database.transaction():
        with pytest.raises(RuntimeError):
            await shelf.files.verify(good)


async def test_each_step_is_taken_once(node: Running, files: FilesModule) -> None:
    file = await stored(files)
    assert await files.lifecycle.store(file.id) is None
    cleared = await asyncio.gather(*(files.lifecycle.clear(file.id) for _ in range(3)))
    # The scan may have been faster.
    assert sum(one is not None for one in cleared) <= 1
    assert await files.lifecycle.reject(file.id, "infected") is None
    deleted = await files.lifecycle.delete(file.id)
    assert deleted is not None
    assert (deleted.state, deleted.rev) == (FileState.DELETED, 4)
    assert deleted.removed_at is not None


@pytest.mark.parametrize("held", [True, False])
async def test_a_refusal_sees_who_holds_the_file_since_it_waits(
    files: FilesModule, shelf: ShelfModule, *, held: bool
) -> None:
    # Nothing scans it beside the test.
    file, place = record(purpose=OTHER, state=FileState.QUARANTINED), f"shelf.place:{new_id()}"
    await files.rows.insert(file)
    if not held:
        async with files.kernel.database.transaction():
            await shelf.files.attach(place, [file.id], purpose=OTHER, owner_id=None)

    async def reject() -> FileRecord | None:
        return await files.lifecycle.reject(file.id, "infected")

    async with files.kernel.database.transaction():
        await shelf.files.attach(place, [file.id] if held else [], purpose=OTHER, owner_id=None)
        refusing = asyncio.create_task(reject(), context=contextvars.Context())
        await asyncio.wait([refusing], timeout=0.5)
        assert not refusing.done()
    refused = await refusing
    assert refused is not None
    # What is held is kept; what nothing holds any more is to be deleted.
    assert (refused.deleting_at is None) is held
    # It counts as long as its object may be there.
    assert await files.rows.used_by(file.owner_id) == file.size
    if not held:
        await files.removal.remove(refused)
        assert await files.rows.used_by(file.owner_id) == 0
