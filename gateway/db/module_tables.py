"""Checks that a module's tables and migrations fit together, before a query of the module fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from piccolo.table import Table

from gateway.contract.module import Module

FILE: Final = re.compile(r"[0-9]{4}_[a-z0-9_]+\.sql", re.ASCII)
# What a folder of migrations may hold besides: it is a package, or an editor or the system left something.
BESIDES: Final = re.compile(r"__init__\.py|__pycache__|\..*")
COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
CREATED: Final = re.compile(r'\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)"?', re.IGNORECASE)
RENAMED: Final = re.compile(r'\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?"?\w+"?\s+RENAME\s+TO\s+"?(\w+)"?', re.IGNORECASE)


def table_faults(module: type[Module]) -> Iterator[str]:
    """A sentence for each fault of the module's tables and migrations; none when all is well."""
    folder = module.migrations
    if folder is not None and not folder.is_dir():
        yield f"there is no folder {folder}; make it, or take `migrations` out"
        return
    files = sorted(folder.iterdir()) if folder is not None else []
    for file in files:
        if not FILE.fullmatch(file.name) and not BESIDES.fullmatch(file.name):
            yield f"{file} is not a migration; call it NNNN_what.sql, or move it elsewhere"
    strangers = [table for table in module.tables if not (isinstance(table, type) and issubclass(table, Table))]
    for table in strangers:
        yield f"{table!r} in `tables` is no Piccolo table; make it a class of piccolo.table.Table"
    if strangers:
        return
    created = {name for file in files if file.suffix == ".sql" for name in _created(file)}
    prefix = module.name.removesuffix("s")
    for name in sorted(created | {table._meta.tablename for table in module.tables}):
        if not re.fullmatch(rf"{prefix}s?(_\w+)?", name):
            yield f"the table {name} must begin with the module's name, such as {module.name}_{name}"
    for table in module.tables:
        if table._meta.tablename not in created:
            yield f"no migration creates the table {table._meta.tablename} of {table.__name__}; write one"


def _created(file: Path) -> Iterator[str]:
    text = COMMENT.sub(" ", file.read_text())
    for pattern in (CREATED, RENAMED):
        yield from pattern.findall(text)
