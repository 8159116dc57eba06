"""The data folder: ours alone, one at a time, and what is not ours is never deleted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.errors import DevStackError
from devstack.folder import CONTENTS, LOCK_TIMEOUT, DataFolder
from devstack.guard import Guard


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    folder = DataFolder(tmp_path / "data")
    folder.claim()
    yield folder
    folder.release()


def test_a_new_folder_is_kept_out_of_git(folder: DataFolder) -> None:
    assert (folder.path / ".gitignore").read_text() == "*\n"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.claim()
    folder.release()


def test_a_released_folder_can_be_claimed_again(folder: DataFolder) -> None:
    folder.release()
    folder.claim()


def test_a_stale_state_is_removed(folder: DataFolder) -> None:
    folder.release()
    folder.state.write_text("{}")
    folder.claim()
    assert not folder.state.exists()


def test_a_second_user_is_told_who_has_it(folder: DataFolder) -> None:
    begun = time.monotonic()
    with pytest.raises(DevStackError, match=rf"^Another `ksmp dev` \(process {os.getpid()}\) uses "):
        DataFolder(folder.path).claim()
    # Who lives is not waited for.
    assert time.monotonic() - begun < LOCK_TIMEOUT


def test_the_lock_of_a_killed_user_is_free_once_its_children_are_gone(tmp_path: Path) -> None:
    # The child ignores the guard's request, so the guard needs its two seconds.
    program = f"""
import subprocess, sys, time
from pathlib import Path
from devstack.folder import DataFolder
from devstack.guard import Guard
folder = DataFolder(Path({str(tmp_path / "data")!r}))
folder.claim()
script = "trap '' INT; echo $$; while :; do sleep 0.1; done"
subprocess.Popen(["/bin/sh", "-c", script], process_group=Guard(folder.descriptor).group)
time.sleep(60)
"""
    user = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    child = int(user.stdout.readline())
    user.kill()
    user.wait(5)
    user.stdout.close()
    begun = time.monotonic()
    folder = DataFolder(tmp_path / "data")
    folder.claim()
    folder.release()
    # The guard waits for two seconds, and a busy machine takes its time.
    assert 1 < time.monotonic() - begun < 20
    assert not Path(f"/proc/{child}/exe").exists()


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DevStackError, match=r"file is not a folder; choose another one with --data\.$"):
        DataFolder(tmp_path / "file").claim()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(DevStackError, match="holds something that `ksmp dev` did not make"):
        DataFolder(tmp_path).claim()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where not even root may write")
def test_a_folder_that_cannot_be_made_is_one_sentence() -> None:
    with pytest.raises(DevStackError, match=r"^The data folder /proc/ksmp cannot be used: [^\n]+\.$"):
        DataFolder(Path("/proc/ksmp")).claim()


def test_clear_deletes_what_is_known_and_nothing_else(folder: DataFolder) -> None:
    for name in CONTENTS:
        if name != "dev.json":
            (folder.path / name / "inside").mkdir(parents=True)
    folder.state.write_text("{}")
    (folder.path / "notes.txt").write_text("mine")
    (folder.path / "my").mkdir()
    folder.clear()
    left = {path.name for path in folder.path.iterdir()}
    assert left == {"notes.txt", "my", ".gitignore", ".ksmp-data", "lock"}


def test_clear_does_not_follow_links(folder: DataFolder, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (folder.path / "logs").symlink_to(precious)
    (folder.path / "postgres").mkdir()
    (folder.path / "postgres" / "elsewhere").write_text(f"{precious}\n")
    folder.clear()
    assert (precious / "file").exists()


def test_the_guard_keeps_the_lock_after_a_release(folder: DataFolder) -> None:
    guard = Guard(folder.descriptor)
    guard.ensure()
    folder.release()
    try:
        with pytest.raises(DevStackError):
            DataFolder(folder.path).claim()
    finally:
        guard.close()
    folder.claim()
