"""Whether a database takes letters for what they are: its encoding, and the case of those beyond ASCII."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

FOLDS: Final = "SELECT lower(U&'\\00C9\\0414') = U&'\\00E9\\0434'"
ENCODING: Final = "SELECT getdatabaseencoding()"


async def encoding_fault(connection: asyncpg.Connection[Any]) -> str | None:
    """What is wrong with the encoding: without UTF-8 most texts cannot be stored, and migrations fail."""
    encoding = await connection.fetchval(ENCODING)
    if encoding == "UTF8":
        return None
    return f"its encoding is {encoding}; make the database anew with ENCODING 'UTF8'"


async def case_fault(connection: asyncpg.Connection[Any]) -> str | None:
    """What is wrong with the case of letters: searches then tell É from é. Asked of a database in UTF-8."""
    if await connection.fetchval(FOLDS):
        return None
    return (
        "its LC_CTYPE knows no capitals beyond ASCII, so searches tell É from é; "
        "make the database anew with the locale C.UTF-8, or another of UTF-8, to have them found"
    )
