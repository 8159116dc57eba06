"""A calendar as RFC 5545 writes it: lines of at most 75 octets that end with CRLF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from modules.live.messages import SessionView
from modules.live.states import SessionState

OCTETS: Final = 75
# What a TEXT cannot hold (section 3.3.11), the tab aside.
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def calendar(name: str, sessions: Iterable[SessionView]) -> bytes:
    """A calendar with an event for each session."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//KSMP//live//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines.append(f"X-WR-CALNAME:{text(name)}")
    for session in sessions:
        lines += _event(session)
    lines.append("END:VCALENDAR")
    return b"".join(fold(line) for line in lines)


def _event(session: SessionView) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{session.id}@ksmp"
    yield f"DTSTAMP:{utc(session.created_at)}"
    yield f"SEQUENCE:{session.rev}"
    yield f"DTSTART:{utc(session.starts_at)}"
    yield f"DTEND:{utc(session.ends_at)}"
    yield f"SUMMARY:{text(session.title)}"
    if session.summary:
        yield f"DESCRIPTION:{text(session.summary)}"
    yield f"STATUS:{'CANCELLED' if session.state is SessionState.CANCELLED else 'CONFIRMED'}"
    yield "END:VEVENT"


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def text(value: str) -> str:
    """A value of type TEXT: what has a meaning is escaped, and a line break is `\\n`."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return CONTROL.sub("", value)


def fold(line: str) -> bytes:
    """A content line, broken where it is too long and never inside of a character (section 3.1)."""
    octets = line.encode()
    parts: list[bytes] = []
    most = OCTETS
    while len(octets) > most:
        end = most
        # A byte that goes on with a character does not begin a line.
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(octets[:end])
        octets = octets[end:]
        # The space in front of what follows counts.
        most = OCTETS - 1
    return b"\r\n ".join([*parts, octets]) + b"\r\n"
