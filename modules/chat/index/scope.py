"""The scope of a message: whose members may find it.

It stands among the words of the message, so that one index of PostgreSQL answers which messages of these scopes have
these words. A scope begins with a slash, which no word has.
"""

from __future__ import annotations


def scope_of(room: str, program: str | None) -> str:
    """Rooms of a program and of its sessions have its scope; any other room has its own."""
    return f"/{room}" if program is None else f"/program:{program}"
