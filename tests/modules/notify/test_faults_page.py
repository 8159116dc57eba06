"""FAULTS.md and the tests agree: each fault names tests that exist, and whatever test names a fault is in its row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent.parent / "modules/notify/FAULTS.md"
PLACES = (HERE, HERE.parent.parent / "devcloud/fcm", HERE.parent.parent / "system")


def rows() -> dict[str, set[str]]:
    """The tests that each fault names."""
    found: dict[str, set[str]] = {}
    for line in PAGE.read_text().splitlines():
        if row := re.fullmatch(r"\| (\d+) \|.*\|([^|]+)\|", line):
            found[row[1]] = set(re.findall(r"`(test_\w+)`", row[2]))
    return found


def known_tests() -> set[str]:
    """The names of all tests that there are."""
    return {
        node.name
        for place in PLACES
        for path in place.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_all_faults_are_there() -> None:
    assert list(rows()) == [str(number) for number in range(1, 15)]
    assert [fault for fault, named in rows().items() if not named] == []


def test_each_test_of_the_page_exists() -> None:
    assert sorted(set().union(*rows().values()) - known_tests()) == []


def test_a_test_that_names_a_fault_is_in_its_row() -> None:
    named = {(match[1], name) for name in known_tests() if (match := re.match(r"test_fault_(\d+)_", name))}
    assert named <= {(fault, name) for fault, names in rows().items() for name in names}
