"""What an archive holds, and what its manifest says is not there."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from gateway.errors import Conflict, Unavailable
from modules.assignments.exports.archive import Archive
from modules.assignments.exports.manifest import ArchiveHead
from modules.assignments.exports.works import Answered, Work, WorkFile
from modules.files.facade import FileFacts, FileState

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HEAD = ArchiveHead("a1", "Essay", "Asia/Kolkata", NOW)


class Bucket:
    """Objects by the id of their file. What is None is lost; what is an error breaks off in the middle."""

    def __init__(self, objects: Mapping[str, bytes | None], states: Mapping[str, FileState] | None = None) -> None:
        self._objects = objects
        self._states = states or {}
        self.away = False

    async def facts(self, file_ids: list[str]) -> dict[str, FileFacts]:
        return {id: self._facts(id) for id in file_ids if id in self._objects}

    def _facts(self, id: str) -> FileFacts:
        state = self._states.get(id, FileState.CLEAN)
        return FileFacts(id, "ann", "assignments.submission", "a1", id, "x/y", 1, "0" * 64, state, NOW, NOW)

    async def stream(self, file: FileFacts) -> AsyncGenerator[bytes]:
        data = self._objects[file.id]
        if data is None:
            raise Conflict("lost", code="files.lost")
        yield data[:3]
        if self.away:
            raise Unavailable("S3 does not answer")
        yield data[3:]


def file(id: str, name: str, data: bytes) -> WorkFile:
    return WorkFile(id, name, "application/pdf", len(data), sha256(data).hexdigest())


def work(name: str = "Asha Rao", *files: WorkFile, **more: Any) -> Work:
    facts = {
        "students": ("ann",),
        "submission_id": "s1",
        "attempt": 1,
        "turned_in": datetime(2026, 11, 30, 23, 58, 12),
        "days_late": 0,
        "text": "",
        "link": "",
        "answers": (),
    }
    return Work(name=name, files=files, **(facts | more))


async def read(bucket: Bucket, *works: Work) -> zipfile.ZipFile:
    async def batches() -> AsyncIterator[list[Work]]:
        for one in works:
            yield [one]

    pieces = [piece async for piece in Archive(bucket, HEAD).pieces(batches())]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    return archive


def rows(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))


async def test_a_folder_for_each_submission() -> None:
    bucket = Bucket({"f1": b"page one", "f2": b"page two"})
    archive = await read(
        bucket,
        work("Asha Rao", file("f1", "scan.pdf", b"page one"), file("f2", "scan.pdf", b"page two")),
        work("आशा", text="नमस्ते", link="https://example.org", answers=(Answered("2 + 2?", "4"),), days_late=2),
        work("Asha Rao", text="another Asha"),
    )
    late = "आशा - 2 days late"
    assert archive.namelist() == [
        "Asha Rao/01 scan.pdf",
        "Asha Rao/02 scan.pdf",
        f"{late}/text.txt",
        f"{late}/link.txt",
        f"{late}/answers.json",
        "Asha Rao (2)/text.txt",
        "manifest.csv",
        "manifest.json",
    ]
    assert archive.read("Asha Rao/02 scan.pdf") == b"page two"
    assert archive.read(f"{late}/text.txt").decode() == "नमस्ते"
    assert json.loads(archive.read(f"{late}/answers.json")) == [{"question": "2 + 2?", "answer": "4", "points": None}]
    assert archive.getinfo("Asha Rao/01 scan.pdf").date_time == (2026, 11, 30, 23, 58, 12)
    for row in rows(archive):
        assert row["sha256"] == sha256(archive.read(row["path"])).hexdigest()
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["whole"] is True
    assert [one["student"] for one in manifest["submissions"]] == ["Asha Rao", "आशा", "Asha Rao"]
    assert manifest["submissions"][1]["days_late"] == 2


async def test_what_cannot_be_read_is_named() -> None:
    names = ["good", "lost", "checked", "refused", "deleted", "unknown", "changed"]
    files = [file(name, f"{name}.pdf", name.encode()) for name in names]
    objects = {name: name.encode() for name in names} | {"lost": None, "changed": b"something else"}
    objects.pop("unknown")
    states = {"checked": FileState.QUARANTINED, "refused": FileState.REJECTED, "deleted": FileState.DELETED}
    archive = await read(Bucket(objects, states), work("Asha", *files))
    found = {row["file name"]: (row["state"], row["path"]) for row in rows(archive)}
    assert found == {
        "good.pdf": ("there", "Asha/01 good.pdf"),
        "lost.pdf": ("lost", ""),
        "checked.pdf": ("being_checked", ""),
        "refused.pdf": ("rejected", ""),
        "deleted.pdf": ("lost", ""),
        "unknown.pdf": ("lost", ""),
        "changed.pdf": ("changed", "Asha/07 changed.pdf"),
    }
    assert archive.namelist() == ["Asha/01 good.pdf", "Asha/07 changed.pdf", "manifest.csv", "manifest.json"]
    assert json.loads(archive.read("manifest.json"))["whole"] is False


async def test_fault_15_no_cell_of_the_manifest_is_a_formula() -> None:
    """Fault 15: a name, or the name of a file, begins like a formula."""
    archive = await read(Bucket({"f": b"x1234"}), work("=cmd|'/c calc'!A1", file("f", "@SUM(A1).pdf", b"x1234")))
    (row,) = rows(archive)
    assert row["student"].startswith("'=cmd")
    assert row["file name"] == "'@SUM(A1).pdf"
    assert archive.namelist()[0] == "=cmd_'_c calc'!A1/01 @SUM(A1).pdf"


async def test_no_name_leads_out_of_the_archive() -> None:
    archive = await read(
        Bucket({"f": b"12345"}), work("../../root", file("f", "../../.ssh/authorized_keys", b"12345"), text="x")
    )
    assert [name.split("/") for name in archive.namelist()[:2]] == [
        ["_.._.._root", "text.txt"],
        ["_.._.._root", "01 _.._.._.ssh_authorized_keys"],
    ]


async def test_a_student_called_like_the_manifest() -> None:
    archive = await read(Bucket({}), work("manifest.csv", text="x"))
    assert archive.namelist()[0] == "manifest (2).csv/text.txt"


async def kept(pieces: AsyncIterator[bytes], sent: list[bytes]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        sent.append(piece)
        yield piece


async def test_an_archive_that_breaks_off_is_none() -> None:
    bucket = Bucket({"f1": b"page one"})
    bucket.away = True

    async def batches() -> AsyncIterator[list[Work]]:
        yield [work("Asha", file("f1", "a.pdf", b"page one"), text="before")]

    pieces = Archive(bucket, HEAD).pieces(batches())
    sent: list[bytes] = []
    with pytest.raises(Unavailable):
        [None async for _ in kept(pieces, sent)]
    assert sent
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))
