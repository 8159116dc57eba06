"""Programs that some tests need and no wheel brings: without one they are skipped, and under `.ci/run` they fail."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterable

import pytest

from devstack import surroundings

INSTALL = {
    "a browser": "install Debian's chromium (apt-get install chromium), or run `uv run playwright install chromium`",
    "node": "install Node 18 or later (apt-get install nodejs)",
    "the generators": "install Node with npm and run `.ci/generators`",
    "uv": "install uv (python3 -m pip install uv)",
}


def program(what: str, *names: str, also: Iterable[str] = ()) -> str:
    """The path of the first of these programs that is there, `also` being paths to look at."""
    for candidate in (*names, *also):
        found = shutil.which(candidate)
        if found is not None:
            return found
    sentence = f"needs {what}: {INSTALL[what]}"
    # A change is judged by all tests, so that there a skip would hide one.
    if os.environ.get("CI"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def outside() -> dict[str, str]:
    """The environment of a program that may have to fetch something, such as uv: with the way out of this machine."""
    return os.environ | surroundings.taken


def ipv6() -> bool:
    """Whether this machine has an IPv6 loopback; many containers have none."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False
