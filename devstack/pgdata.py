"""PostgreSQL's data on disk: made once, checked at each start, never deleted."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from devstack import account, ports, process_table
from devstack.account import Account
from devstack.errors import DevStackError

USER = "ksmp"
SETTINGS = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


class PostgresData:
    """The folder `postgres` below the data folder: `data`, `password`, `port`.

    When PostgreSQL must run as an account that cannot reach it, `elsewhere` names the folder that holds
    `data` instead.
    """

    def __init__(self, folder: Path, *, group: int = 0, account: Account | None = None) -> None:
        self.folder = folder
        self.password = ""
        self.port = 0
        self._account = account
        self._group = group

    @property
    def account(self) -> Account:
        """The account that PostgreSQL runs as; known once prepared."""
        if self._account is None:
            raise DevStackError("PostgreSQL's data folder was not prepared.")
        return self._account

    @property
    def data(self) -> Path:
        with suppress(FileNotFoundError):
            return Path((self.folder / "elsewhere").read_text().strip()) / "data"
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the folder ready for a server to start in it; blocks. Raises DevStackError."""
        try:
            # Others may walk through, in case the account is another one; the data itself is private.
            self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            if self._account is None:
                self._account = account.choose(self.folder)
            if self._account.user is not None and not (self.folder / "elsewhere").exists():
                self._find_room_elsewhere()
            if not self.data.exists():
                self._create()
            self._check()
            self._claim()
            self._forget_dead_server()
            self.password = (self.folder / "password").read_text().strip()
            self.port = self._keep_port()
        except (OSError, subprocess.SubprocessError) as error:
            raise DevStackError(f"PostgreSQL's folder {self.folder} is unusable: {error}.") from None

    def _find_room_elsewhere(self) -> None:
        if all(parent.stat().st_mode & 0o001 for parent in (self.folder, *self.folder.resolve().parents)):
            return
        place = account.shared_folder() / f"data-{secrets.token_hex(8)}"
        place.mkdir(mode=0o711)
        (self.folder / "elsewhere").write_text(f"{place}\n")
        with suppress(FileNotFoundError):
            shutil.move(self.folder / "data", place / "data")

    def _create(self) -> None:
        # An interrupted initdb leaves `data.new`, which is made again; `data` is always whole.
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, *self.account.owner)
        password = secrets.token_urlsafe(24)
        _write_private(self.folder / "password", password)
        handed = fresh.with_name("password.new")
        _write_private(handed, password)
        os.chown(handed, *self.account.owner)
        try:
            done = self.account.run(
                self.account.command(
                    "initdb", f"--pgdata={fresh}", f"--username={USER}", f"--pwfile={handed}",
                    "--auth=scram-sha-256", "--no-sync", "--no-instructions", *SETTINGS,
                ),
                group=self._group,
            )  # fmt: skip
        finally:
            handed.unlink()
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise DevStackError(f"PostgreSQL's data folder could not be made: {said}.")
        fresh.rename(self.data)

    def _check(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            found = ""
        if not found or not (self.folder / "password").exists():
            raise DevStackError(
                f"{self.data} is not a whole PostgreSQL data folder; move it away or start over with --fresh."
            )
        installed = self.account.run(self.account.command("postgres", "--version"), timeout=10).stdout.split()
        # The last word of "postgres (PostgreSQL) 18.6".
        major = installed[-1].partition(".")[0] if installed else ""
        if found != major:
            raise DevStackError(
                f"{self.data} was made by PostgreSQL {found} and the installed one is {major or 'not usable'}; "
                "install that version again or start over with --fresh."
            )

    def _claim(self) -> None:
        """Give the data to the account, should it have been another one last time."""
        if os.geteuid() == 0 and self.data.stat().st_uid != self.account.owner[0]:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, *self.account.owner, follow_symlinks=False)

    def _forget_dead_server(self) -> None:
        """Remove the lock of a killed server whose process id something else has now."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        if process_table.directory(pid) not in (None, self.data.resolve()):
            lock.unlink(missing_ok=True)

    def _keep_port(self) -> int:
        kept = self.folder / "port"
        with suppress(OSError, ValueError):
            port = int(kept.read_text())
            if ports.is_free(port):
                return port
        port = ports.choose()
        kept.write_text(f"{port}\n")
        return port


def delete(folder: Path) -> None:
    """Delete PostgreSQL's folder with everything in it."""
    with suppress(OSError):
        place = Path((folder / "elsewhere").read_text().strip())
        # Only what this launcher made is deleted, whatever the file says.
        if place.parent == account.SHARED and place.name.startswith("data-"):
            shutil.rmtree(place, ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
