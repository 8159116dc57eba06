"""Checks texts from outside before they are stored or shown."""

from __future__ import annotations

from gateway.errors import BadInput, Code, invalid


def checked(text: str, most: int, field: str) -> str:
    """The text, if it is not blank and has at most `most` characters; raises BadInput `invalid` or `too_large`."""
    if len(text) > most:
        raise BadInput(Code.TOO_LARGE, f"{field} is longer than {most} characters", field=field)
    # PostgreSQL cannot store U+0000, and nobody can see it.
    if not text.strip() or "\0" in text:
        raise invalid(f"{field} is empty or has a NUL character", field=field)
    return text
