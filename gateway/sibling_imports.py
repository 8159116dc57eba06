"""Which imports of a module reach into a sibling: of another module only `facade` and `events` may be imported."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from gateway.contract.module import Module

# What a package shows its siblings.
OUTSIDE: Final = ("events", "facade")
# A relative import that may leave the package.
PARENT: Final = r"from\s+\.\."
TESTS: Final = re.compile(r"tests?|test_.*\.py|.*_test\.py|conftest\.py")


def import_faults(module: type[Module], others: Sequence[type[Module]]) -> tuple[str, ...]:
    """A sentence for each import in the module's package that reaches into the package of one of the others."""
    package = package_of(module)
    return _faults(package, frozenset(map(package_of, others)) - {package})


@cache
def _faults(package: str, siblings: frozenset[str]) -> tuple[str, ...]:
    if not siblings:
        return ()
    # Most files name no sibling, and need not be parsed.
    names = "|".join(rf"\b{re.escape(name)}\b|\b{_from_parent(name)}" for name in sorted(siblings))
    mentions = re.compile(rf"{names}|{PARENT}")
    return tuple(
        f"{file}:{line} imports {imported}; of a sibling import only facade and events"
        for name, file in _sources(package)
        if mentions.search(text := file.read_text())
        for line, imported in _imports(ast.parse(text), name)
        if _reaches_into(imported, siblings)
    )


def package_of(module: type[Module]) -> str:
    """The package that a module's class is in, or the name of its file when that is in none."""
    name = module.__module__
    is_package = hasattr(sys.modules[name], "__path__")
    return name if is_package else name.rpartition(".")[0] or name


def _from_parent(package: str) -> str:
    parent, _, _ = package.rpartition(".")
    return rf"from\s+{re.escape(parent)}\s+import\b" if parent else r"(?!)"


def _sources(package: str) -> Iterator[tuple[str, Path]]:
    """Each file of the package, with the name of the package that the file is in."""
    found = sys.modules[package]
    if not hasattr(found, "__path__"):
        if found.__file__ is not None:
            yield package.rpartition(".")[0], Path(found.__file__)
        return
    for folder in map(Path, found.__path__):
        for file in sorted(folder.rglob("*.py")):
            # Tests may look wherever they like.
            inside = file.relative_to(folder)
            if not any(TESTS.fullmatch(part) for part in inside.parts):
                yield ".".join((package, *inside.parts[:-1])), file


def _imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything that is imported by a file of this package."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=origin, names=names, level=level):
                above = package.rsplit(".", level - 1)[0] if level else ""
                place = ".".join(filter(None, (above, origin)))
                yield from ((node.lineno, f"{place}.{name.name}") for name in names)


def _reaches_into(imported: str, packages: frozenset[str]) -> bool:
    for package in packages:
        if imported.startswith(f"{package}."):
            return imported.removeprefix(f"{package}.").partition(".")[0] not in OUTSIDE
    return imported in packages
