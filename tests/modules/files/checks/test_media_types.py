"""The table of types: each is known by its bytes, and nothing else is taken for it."""

from __future__ import annotations

import asyncio
import contextlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from modules.files.checks.media_types import (
    BY_ENDING,
    DOCUMENT_TYPES,
    KNOWN_TYPES,
    OTHER_NAMES,
    PICTURE_TYPES,
    RUNNING_TYPES,
    TEXT_TYPES,
    TYPES,
    media_type_of,
)
from modules.files.checks.names import MOST, clean_name
from modules.files.checks.zip_directory import BrokenZip, entries, has_macros, holds
from tests.modules.files.checks.samples import BAD, GOOD, OFFICE, archive, office


def test_there_is_a_sample_of_each_type() -> None:
    assert GOOD.keys() == TYPES.keys() == {*KNOWN_TYPES}
    assert {*OTHER_NAMES.values()} <= TYPES.keys()
    assert not OTHER_NAMES.keys() & TYPES.keys()


def test_what_runs_is_never_shown_in_a_page() -> None:
    assert {*RUNNING_TYPES} == {"text/html", "text/javascript", "application/xml", "image/svg+xml"}
    assert not [one.name for one in TYPES.values() if one.runs and one.inline]
    assert not {*RUNNING_TYPES} & {*PICTURE_TYPES, *TEXT_TYPES, *DOCUMENT_TYPES}


@pytest.mark.parametrize("name", KNOWN_TYPES)
def test_a_type_is_known_by_its_bytes(name: str) -> None:
    file, content = GOOD[name]
    assert TYPES[name].looks(content[: TYPES[name].head])
    found = media_type_of("", file)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", [name for name in KNOWN_TYPES if not name.startswith("text/")])
def test_no_type_is_taken_for_one_that_it_is_not(name: str) -> None:
    """Containers hold several types: a zip any document, ISO media films and sound. Drawings and pages are texts."""
    taken = {other for other in KNOWN_TYPES if TYPES[other].looks(GOOD[name][1])} - {name}
    texts = {one for one in KNOWN_TYPES if TYPES[one].looks is TYPES["text/plain"].looks}
    zips = {one for one in KNOWN_TYPES if TYPES[one].entries is not None}
    allowed = {
        "video/mp4": {"audio/mp4"},
        "audio/mp4": {"video/mp4"},
        "video/webm": {"audio/webm"},
        "audio/webm": {"video/webm"},
        "application/json": texts | {"application/x-ipynb+json"},
        "application/x-ipynb+json": texts | {"application/json"},
        "application/xml": texts,
        "image/svg+xml": texts | {"application/xml"},
    }
    if name in zips:
        # Their directories tell them apart.
        assert taken <= zips
    elif name in texts:
        assert taken <= texts
    else:
        assert taken <= allowed.get(name, set())


@pytest.mark.parametrize("case", BAD)
async def test_what_is_none_of_its_type(case: str) -> None:
    name, content = BAD[case]
    kind = TYPES[name]
    good = kind.looks(content[: kind.head])
    if good and kind.entries is not None:
        good = holds(await names_in(content), kind.entries)
    assert not good


@pytest.mark.parametrize(
    ("said", "name", "found"),
    [
        ("image/jpg", "a.jpg", "image/jpeg"),
        ("application/x-zip-compressed", "a.zip", "application/zip"),
        ("", "IMG_0001.HEIC", "image/heic"),
        ("application/octet-stream", "notes.md", "text/markdown"),
        ("application/vnd.ms-excel", "marks.csv", "text/csv"),
        ("", "a.webm", "video/webm"),
        ("audio/webm;codecs=opus", "voice.webm", "audio/webm"),
        ("Image/HEIF", "a.heif", "image/heic"),
        ("", "README", None),
        ("", ".pdf", None),
        ("application/x-msdownload", "a.pdf", None),
    ],
)
def test_the_type_that_a_browser_says(said: str, name: str, found: str | None) -> None:
    kind = media_type_of(said, name)
    assert (kind.name if kind else None) == found


@pytest.mark.parametrize(
    ("said", "name", "allowed", "found"),
    [
        ("video/webm", "voice.webm", ("audio/webm", "audio/mpeg"), "audio/webm"),
        ("", "voice.mp4", ("audio/mp4",), "audio/mp4"),
        ("text/x-python", "sums.py", ("text/plain",), "text/plain"),
        ("image/heic", "a.heic", ("image/heif",), "image/heic"),
        ("text/html", "a.html", ("text/plain",), None),
        ("image/png", "a.pdf", ("application/pdf",), None),
        ("video/webm", "a.mp3", ("audio/mpeg",), None),
    ],
)
def test_a_type_that_is_not_allowed_may_be_one_that_is(
    said: str, name: str, allowed: tuple[str, ...], found: str | None
) -> None:
    kind = media_type_of(said, name, allowed)
    assert (kind.name if kind else None) == found


def test_each_ending_has_a_type() -> None:
    assert {ending for one in TYPES.values() for ending in one.endings} == BY_ENDING.keys()


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("essay.pdf", "application/pdf", "essay.pdf"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Users\\ann\\Scan 1.PDF", "application/pdf", "Scan 1.PDF"),
        ("holiday.exe", "image/jpeg", "holiday.exe.jpg"),
        ("page.html", "text/plain", "page.html.txt"),
        ("a<b>:c|d?.txt", "text/plain", "a_b__c_d_.txt"),
        (" .hidden. ", "text/plain", "hidden.txt"),
        ("x" * 300 + ".pdf", "application/pdf", "x" * 196 + ".pdf"),
        ("x" * 300, "application/pdf", "x" * 196 + ".pdf"),
    ],
)
def test_names_are_cleaned(name: str, kind: str, kept: str) -> None:
    assert clean_name(name, TYPES[kind]) == kept


@given(st.text(min_size=1, max_size=255), st.sampled_from(KNOWN_TYPES))
def test_a_clean_name_is_no_path_and_stays_as_it_is(name: str, kind: str) -> None:
    try:
        kept = clean_name(name, TYPES[kind])
    except BadInput as error:
        assert error.field == "name"  # noqa: PT017
        return
    assert not {*'/\\<>:"|?*'} & {*kept}
    assert 0 < len(kept) <= MOST
    assert kept.lower().endswith(TYPES[kind].endings)
    assert clean_name(kept, TYPES[kind]) == kept


async def names_in(content: bytes) -> list[str]:
    async def read(start: int, end: int) -> bytes:
        reads.append((start, end))
        return content[start:end]

    reads: list[tuple[int, int]] = []
    found = await entries(len(content), read)
    assert len(reads) <= 2
    return found


async def test_the_directory_of_a_zip_is_read_without_the_rest() -> None:
    large = archive({"a.bin": bytes(500_000), "word/document.xml": b""})
    assert await names_in(large) == ["a.bin", "word/document.xml"]
    many = archive({f"folder/{number:06}/{'x' * 60}": b"" for number in range(5000)}, comment=b"c" * 60_000)
    assert len(await names_in(many)) == 5000
    for broken in (b"PK\x03\x04 and nothing", large[:-30], b"PK\x05\x06", large[: len(large) // 2]):
        with pytest.raises(BrokenZip):
            await names_in(broken)


async def test_a_long_directory_holds_nobody_up() -> None:
    def of(count: int) -> bytes:
        """A zip with the shortest entries that there are."""
        entry = pack("<4s4B4H3L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0x21, 0, 0, 0, 1, *[0] * 6) + b"a"
        return b"PK\x03\x04" + entry * count + pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, len(entry) * count, 4, 0)

    reading, turns = asyncio.ensure_future(names_in(of(80_000))), 0
    while not reading.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert len(await reading) == 80_000
    assert turns > 5
    with pytest.raises(BrokenZip):
        await names_in(of(100_000))


@given(st.binary(max_size=300), st.integers(0, 200), st.binary(min_size=1, max_size=4))
async def test_no_zip_breaks_the_reader(before: bytes, place: int, noise: bytes) -> None:
    whole = bytearray(archive({"a": b"1", "b": b"2"}, before=before))
    place %= len(whole)
    whole[place : place + len(noise)] = noise
    with contextlib.suppress(BrokenZip):
        await names_in(bytes(whole))


def test_macros_are_found() -> None:
    assert has_macros(["[Content_Types].xml", "word/vbaProject.bin"])
    assert not has_macros(["word/document.xml"])
    assert TYPES[f"{OFFICE}.wordprocessingml.document"].looks(office("word/document.xml"))
