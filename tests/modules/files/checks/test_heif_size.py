"""Sizes of HEIF pictures: those of phones, and bytes that only look like one."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from modules.files.checks.heif_size import UNKNOWN, heif_size
from tests.modules.files.checks.samples import box, heic

PHOTOGRAPH = (Path(__file__).parents[1] / "renditions/photograph.heic").read_bytes()


def test_a_picture_that_is_turned_has_the_size_in_which_it_is_shown() -> None:
    assert heif_size(heic(4032, 3024)) == (4032, 3024)
    assert heif_size(heic(4032, 3024, turned=True)) == (3024, 4032)
    assert heif_size(PHOTOGRAPH) == (64, 64)


def test_the_size_is_that_of_the_primary_item_of_a_grid() -> None:
    # A phone writes tiles, and an item that puts them together: numbers of 32 bits, places of 16.
    tile, whole = (box(b"ispe", bytes(4) + struct.pack(">II", *size)) for size in ((512, 512), (4032, 3024)))
    rows = struct.pack(">IBH", 70_001, 1, 0x8001) + struct.pack(">IBHH", 70_002, 2, 0x8002, 0x8003)
    places = box(b"ipma", b"\x01\x00\x00\x01" + struct.pack(">I", 2) + rows)
    properties = box(b"iprp", box(b"ipco", tile + whole + box(b"irot", b"\x01")) + places)
    meta = box(b"meta", bytes(4) + box(b"pitm", b"\x01\x00\x00\x00" + struct.pack(">I", 70_002)) + properties)
    assert heif_size(box(b"ftyp", b"heic") + meta) == (3024, 4032)


@pytest.mark.parametrize("size", range(0, len(PHOTOGRAPH), 7))
def test_what_is_cut_or_broken_has_no_size_and_raises_nothing(size: int) -> None:
    # What stands behind the boxes is not looked at.
    assert heif_size(PHOTOGRAPH[:size]) in {UNKNOWN, (64, 64)}
    broken = PHOTOGRAPH[:size] + b"\xff" + PHOTOGRAPH[size + 1 :]
    assert len(heif_size(broken)) == 2
