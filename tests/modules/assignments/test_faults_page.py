"""FAULTS.md and the tests agree: each fault names its tests, and each of these names the fault in its docstring."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent.parent / "modules/assignments/FAULTS.md"
# Files, whose faults are in the same page.
PLACES = (HERE, HERE.parent / "files")


def rows() -> dict[str, set[str]]:
    """The tests that each fault names."""
    found = {}
    for line in PAGE.read_text().splitlines():
        if row := re.match(r"\| (\d+) \|.*\|([^|]+)\|$", line):
            found[row[1]] = set(re.findall(r"`(test_\w+)`", row[2]))
    return found


def named() -> dict[str, set[str]]:
    """The faults that docstrings of tests name, with these tests."""
    found = defaultdict(set)
    for path in (path for place in PLACES for path in place.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                text = " ".join((ast.get_docstring(node) or "").split())
                for fault in re.findall(r"\b[Ff]ault (\d+)\b", text):
                    found[fault].add(node.name)
    return found


def test_each_fault_is_named_by_its_tests_and_by_no_other() -> None:
    assert rows() == named()


def test_all_faults_are_there() -> None:
    assert list(rows()) == [str(number) for number in range(1, 16)]
