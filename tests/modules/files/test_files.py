"""Files of several kinds, what their owner is pushed, and what becomes of them when the owner leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from prometheus_client import REGISTRY

from gateway import clock
from gateway.errors import BadInput
from gateway.principal import Principal, Role
from ksmp_testkit import Caller, Clients, Running
from ksmp_testkit.answers import done, refused
from modules.files.checks import inspection
from modules.files.checks.media_types import TYPES
from modules.files.facade import KNOWN_TYPES, RUNNING_TYPES, Allowance
from modules.files.messages import NewFile
from modules.files.module import FilesModule
from modules.files.purposes import Purposes
from modules.files.refusals import SENTENCES
from modules.files.scanning import scanning
from modules.files.settings import FilesSettings
from modules.files.states import FileState
from modules.files.uploads import Uploads
from tests.modules.files.checks.samples import GOOD, heic, jpeg, office, png, webp
from tests.modules.files.shelf import ShelfModule
from tests.modules.files.uploads import FILES, begun, new, sent, uploaded
from tests.modules.programs.programs import user


@pytest.fixture(autouse=True)
def allowance(shelf: ShelfModule) -> None:
    shelf.allowance = Allowance(KNOWN_TYPES, 1024**3)


async def test_a_file_of_each_type_is_stored(caller: Caller) -> None:
    ann = caller(user())

    async def one(name: str) -> None:
        file, content = GOOD[name]
        stored = await uploaded(ann, content, name=file, type=name)
        assert (stored["type"], stored["state"] != "rejected") == (name, True), stored
        assert (stored["width"], stored["height"]) == ((30, 20) if TYPES[name].picture else (None, None))

    names = list(KNOWN_TYPES)
    for place in range(0, len(names), 6):
        await asyncio.gather(*(one(name) for name in names[place : place + 6]))


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        ("upright.jpg", jpeg(4000, 3000), (4000, 3000)),
        ("a phone held upright.jpg", jpeg(4000, 3000, turned=True), (3000, 4000)),
        ("phone.heic", heic(4032, 3024), (4032, 3024)),
        ("a phone held upright.heic", heic(4032, 3024, turned=True), (3024, 4032)),
        ("photograph.heic", (Path(__file__).parent / "renditions/photograph.heic").read_bytes(), (64, 64)),
        ("drawing.webp", webp(1, 16_000), (1, 16_000)),
    ],
)
async def test_pictures_have_the_size_in_which_they_are_shown(
    caller: Caller, name: str, content: bytes, size: tuple[int, int]
) -> None:
    stored = await uploaded(caller(user()), content, name=name, type="")
    assert (stored["width"], stored["height"]) == size


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bomb.png", png(60_000, 60_000), "picture"),
        ("cut.jpg", b"\xff\xd8\xff\xe0", "picture"),
        ("letter.docx", office("word/document.xml", **{"word/vbaProject.bin": b"Sub AutoOpen"}), "macros"),
        ("letter.docx", b"PK\x03\x04" + bytes(300), "archive"),
        ("marks.xlsx", office("word/document.xml"), "signature"),
        ("page.png", b"<html><script>alert(1)</script>", "signature"),
    ],
)
async def test_what_is_rejected(caller: Caller, name: str, content: bytes, reason: str) -> None:
    ann = caller(user())
    made = await begun(ann, content, name=name, type="")
    done(await sent(made["upload"], content), 204)
    path = f"{FILES}/{made['file']['id']}"
    before = counted("ksmp_files_rejected_total", reason=reason)
    answer = await ann.post(f"{path}/complete")
    refused(answer, 409, "files.rejected")
    # In words, for whoever uploaded it; the word for programs is in the file.
    assert answer.json()["detail"] == f"the file was refused: {SENTENCES[reason]}"
    assert done(await ann.get(path))["own"]["reason"] == reason
    assert counted("ksmp_files_rejected_total", reason=reason) == before + 1


def test_each_reason_has_words() -> None:
    constants = [*vars(inspection).items(), *vars(scanning).items()]
    reasons = {value for name, value in constants if name.isupper() and isinstance(value, str)}
    assert reasons - set(TYPES) == set(SENTENCES)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_the_owner_is_pushed_each_state(node: Running, clients: Clients, files: FilesModule) -> None:
    who = user()
    ann, http = await clients.member(f"user:{who}", who), clients.rest(who)
    stored = await uploaded(http)
    push = await ann.expect_push("files.file")
    assert push["data"] == stored | {"state": "quarantined", "rev": 2}
    await files.lifecycle.clear(stored["id"])
    push = await ann.expect_push("files.file")
    assert (push["data"]["state"], push["data"]["rev"]) == ("clean", 3)

    content = b"no PDF"
    made = await begun(http, content)
    done(await sent(made["upload"], content), 204)
    refused(await http.post(f"{FILES}/{made['file']['id']}/complete"), 409, "files.rejected")
    push = await ann.expect_push("files.file")
    assert (push["data"]["state"], push["data"]["own"]["reason"]) == ("rejected", "signature")


async def test_a_user_who_leaves_takes_what_nothing_holds(
    node: Running, caller: Caller, files: FilesModule, shelf: ShelfModule
) -> None:
    who = user()
    ann = caller(who)
    loose = (await uploaded(ann, name="passport of ann.pdf"))["id"]
    held = (await uploaded(ann, name="ann's essay.final.pdf"))["id"]
    await shelf.put(f"of-{who}", held, owner=who)
    exported = (await files.export(who))["files"]
    assert [(one["id"], one["name"], one["used_by"]) for one in exported] == [
        (loose, "passport of ann.pdf", []),
        (held, "ann's essay.final.pdf", [f"shelf.place:of-{who}"]),
    ]
    for _ in range(2):
        async with files.kernel.database.transaction():
            assert await files.forget(who) == ()
    gone, kept = await files.rows.find(loose), await files.rows.find(held)
    assert gone is not None
    assert kept is not None
    assert (gone.deleting_at is not None, kept.deleting_at) == (True, None)
    assert kept.name == "file.pdf"
    assert "ann" not in gone.name
    # What begins the deletion is done; the sweep goes on with this.
    await files.removal.remove(gone)
    removed = await files.rows.find(loose)
    assert removed is not None
    assert removed.state is FileState.DELETED


async def test_without_an_origin_what_runs_is_refused(files: FilesModule) -> None:
    kernel, settings = files.kernel, FilesSettings()
    parts = (files.bucket, files.rows, files.lifecycle, Purposes(kernel), files.removal)
    uploads = Uploads(kernel, settings, *parts, running_types=False)
    ann = Principal(id=user(), name="Ann", role=Role.STUDENT, expires_at=0)
    for name in RUNNING_TYPES:
        file, content = GOOD[name]
        with pytest.raises(BadInput) as caught:
            await uploads.begin(ann, msgspec.convert(new(content, name=file, type=name), NewFile), clock.now())
        assert (caught.value.code, caught.value.field) == ("files.type_refused", "type")
        assert name not in caught.value.message
