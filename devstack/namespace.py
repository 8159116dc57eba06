"""Runs a program as an ordinary user inside a user namespace: `namespace.py PROGRAM ARGUMENTS`.

PostgreSQL refuses to run as root. Inside the namespace the caller's root is user 1000, so PostgreSQL runs. Outside it
still is root, and may use folders that only root can. The file is started by its path and not imported, so it needs
nothing but the standard library. It replaces itself with the program, which therefore keeps the process id.
"""

from __future__ import annotations

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
INSIDE = 1000
FAILED = 125


def main(arguments: list[str]) -> None:
    """Enter a new namespace and become the program; exits with status 125 where that is impossible."""
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        sys.exit(FAILED)
    try:
        # The kernel wants setgroups switched off before an unprivileged process maps its group.
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{INSIDE} {user} 1")
        _write("/proc/self/gid_map", f"{INSIDE} {group} 1")
        os.setresgid(INSIDE, INSIDE, INSIDE)
        os.setresuid(INSIDE, INSIDE, INSIDE)
        os.execv(arguments[0], arguments)  # noqa: S606
    except OSError as error:
        print(f"user namespace: {error}", file=sys.stderr)
        sys.exit(FAILED)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
