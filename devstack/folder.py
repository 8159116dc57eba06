"""The data folder of `ksmp dev`: ours alone, used by one at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from pathlib import Path

from devstack import pgdata, process_table
from devstack.errors import DevStackError
from devstack.process import end_leftover

MARKER = ".ksmp-data"
LOCK = "lock"
STATE = "dev.json"
ISSUER = "issuer"
LOGS = "logs"

# What --fresh deletes; everything else in the folder is somebody else's.
CONTENTS = (STATE, "postgres", "nats", "devcloud", "run", ISSUER, LOGS)

# A killed `ksmp dev` leaves the lock to its guard until every child is gone.
LOCK_TIMEOUT = 6.0


class DataFolder:
    """A folder that this process may use while it holds the lock on it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._descriptor: int | None = None

    @property
    def issuer(self) -> Path:
        return self.path / ISSUER

    @property
    def logs(self) -> Path:
        return self.path / LOGS

    @property
    def state(self) -> Path:
        return self.path / STATE

    @property
    def descriptor(self) -> int:
        """The open lock file, for the guard to hold; only after `claim`."""
        assert self._descriptor is not None, "the folder was not claimed"
        return self._descriptor

    def claim(self) -> None:
        """Make the folder if it is missing and lock it; blocks while a killed owner's children end.

        Raises DevStackError when it is somebody else's, unusable, or in use.
        """
        try:
            self._make()
            self._lock()
            for left in (self.path / "run").glob("*.pid"):
                end_leftover(left)
            self.state.unlink(missing_ok=True)
        except OSError as error:
            raise DevStackError(f"The data folder {self.path} cannot be used: {error.strerror or error}.") from None

    @property
    def used(self) -> bool:
        """Whether a `ksmp dev` runs in the folder now."""
        try:
            descriptor = os.open(self.path / LOCK, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _try_lock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        """Delete what `ksmp dev` keeps in the folder, and nothing else. Raises DevStackError."""
        try:
            for name in CONTENTS:
                path = self.path / name
                if name == "postgres":
                    pgdata.delete(path)
                elif path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise DevStackError(f"The data folder {self.path} cannot be emptied: {error}.") from None

    def release(self) -> None:
        """Let others use the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _make(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise DevStackError(f"{self.path} is not a folder; choose another one with --data.")
        # Others may walk through, because root's PostgreSQL may have to run as another user.
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        marker = self.path / MARKER
        if not marker.exists():
            if any(self.path.iterdir()):
                raise DevStackError(
                    f"{self.path} holds something that `ksmp dev` did not make; choose another folder with --data."
                )
            marker.write_text("The data of `ksmp dev`. While it is stopped, the whole folder may be deleted.\n")
        (self.path / ".gitignore").write_text("*\n")

    def _lock(self) -> None:
        self._descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_TIMEOUT
        while not _try_lock(self._descriptor, fcntl.LOCK_EX):
            owner, _, known = os.pread(self._descriptor, 200, 0).decode().strip().partition(" ")
            lives = owner.isdigit() and process_table.identity(int(owner)) == known
            if lives or time.monotonic() > deadline:
                self.release()
                raise DevStackError(
                    f"Another `ksmp dev` (process {owner or 'unknown'}) uses {self.path}; "
                    "stop it or choose another folder with --data."
                )
            time.sleep(0.05)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()} {process_table.identity(os.getpid())}\n".encode(), 0)


def _try_lock(descriptor: int, kind: int) -> bool:
    # flock belongs to the open file, so the guard that inherits the descriptor holds it too.
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True
