"""The names of time zones that users and modules may give: those of the IANA time zone database."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Final

# Files beside the zones. What `localtime` is differs from machine to machine.
NO_ZONES: Final = frozenset({"localtime", "Factory", "posixrules"})


@cache
def names() -> frozenset[str]:
    """Every name, as the database writes it: `Asia/Kolkata`, and older ones such as `Asia/Calcutta`.

    The first call reads hundreds of files: make it in a thread.
    """
    found = zoneinfo.available_timezones() - NO_ZONES
    return frozenset(name for name in found if not name.startswith(("posix/", "right/")))
