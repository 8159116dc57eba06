"""An archive that is written piece by piece is one that everybody reads, and half of it is none."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from modules.assignments.exports.zip_writer import ZipWriter

AT = datetime(2026, 11, 30, 23, 58, 12)


def archive(entries: dict[str, list[bytes]]) -> bytes:
    writer = ZipWriter()
    sent = b""
    for path, pieces in entries.items():
        sent += writer.begin(path, AT)
        for piece in pieces:
            sent += writer.write(piece)
        sent += writer.end()
    return sent + writer.finish()


def test_what_goes_in_comes_out() -> None:
    pieces = [os.urandom(70_000), b"", b"x" * 200_000]
    entries = {"आशा राव/01 निबंध.pdf": pieces, "empty.txt": [], "manifest.csv": [b"a,b"]}
    with zipfile.ZipFile(io.BytesIO(archive(entries))) as read:
        assert read.namelist() == list(entries)
        assert read.testzip() is None
        assert read.read("आशा राव/01 निबंध.pdf") == b"".join(pieces)
        assert read.getinfo("empty.txt").date_time == (2026, 11, 30, 23, 58, 12)


def test_most_is_sent_before_the_entry_ends() -> None:
    writer = ZipWriter()
    sent = len(writer.begin("large", AT))
    for _ in range(16):
        sent += len(writer.write(os.urandom(65536)))
    assert sent > 15 * 65536
    writer.end()


def test_programs_of_others_read_it(tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (tmp_path / "all.zip").write_bytes(archive({"Asha/1 ü.bin": [data]}))
    subprocess.run(["python3", "-m", "zipfile", "-t", tmp_path / "all.zip"], check=True, capture_output=True)
    unzip = Path("/usr/bin/unzip")
    if not unzip.exists():
        pytest.skip("no unzip here")
    subprocess.run([unzip, "-q", "all.zip"], cwd=tmp_path, check=True)
    assert hashlib.sha256((tmp_path / "Asha/1 ü.bin").read_bytes()).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_an_archive_that_broke_off_does_not_open(share: float) -> None:
    whole = archive({"a": [os.urandom(10_000)], "b": [os.urandom(10_000)]})
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(whole[: int(len(whole) * share)]))
