"""PRACTICES.md and the tests agree: each practice names its tests, and each of these names the practice."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent.parent / "modules/payments/PRACTICES.md"
ID = r'(?:ORD|BP|RFND|SETL)-\d\d|[Ff]ault \d+|"[^"]+"'
# Quoted in a docstring, a practice stands behind this word. Other quotations are titles of pages.
NAMED = re.compile(r'\b((?:ORD|BP|RFND|SETL)-\d\d|[Ff]ault \d+)\b|Practice ("[^"]+")')


def rows() -> Iterator[tuple[str, str, set[str]]]:
    """Of each row: what it is about, its last cell, and the tests that it names."""
    for line in PAGE.read_text().splitlines():
        if found := re.match(rf"\| ({ID}) \|.*?([^|]+) \|$", line):
            yield found[1], found[2], set(re.findall(r"`(test_\w+)`", found[2]))


def named() -> dict[str, set[str]]:
    """What the docstrings of tests name, with these tests."""
    found = defaultdict(set)
    for path in HERE.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                text = " ".join((ast.get_docstring(node) or "").split())
                for id, practice in NAMED.findall(text):
                    found[practice or id.replace("Fault", "fault")].add(node.name)
    return found


def test_each_practice_is_named_by_its_tests_and_by_no_other() -> None:
    assert {id: tests for id, _, tests in rows() if tests} == named()


def test_a_practice_without_a_test_says_why() -> None:
    assert [last for _, last, tests in rows() if not tests and not last.strip().startswith("none: ")] == []


def test_all_faults_are_there() -> None:
    assert {id for id, _, _ in rows()} >= {f"fault {number}" for number in range(1, 16)}
