"""Pages that say which faults of others are kept away, and by which tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path


class FaultsPage:
    """A `FAULTS.md` with rows `| number | … | tests |`, and the folders in which its tests are."""

    def __init__(self, page: Path, places: Sequence[Path]) -> None:
        self._page = page
        self._places = places

    def rows(self) -> dict[str, set[str]]:
        """The tests that each fault names."""
        found: dict[str, set[str]] = {}
        for line in self._page.read_text().splitlines():
            if row := re.fullmatch(r"\| (\d+) \|.*\|([^|]+)\|", line):
                found[row[1]] = set(re.findall(r"`(test_\w+)`", row[2]))
        return found

    def check(self, faults: int) -> None:
        """Each fault names tests that exist, and a test that names a fault is in its row."""
        rows, known = self.rows(), self._known_tests()
        assert list(rows) == [str(number) for number in range(1, faults + 1)]
        assert [fault for fault, named in rows.items() if not named] == []
        assert sorted(set().union(*rows.values()) - known) == []
        named = {(match[1], name) for name in known if (match := re.match(r"test_fault_(\d+)_", name))}
        assert named <= {(fault, name) for fault, names in rows.items() for name in names}

    def _known_tests(self) -> set[str]:
        return {
            node.name
            for place in self._places
            for path in place.rglob("test_*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        }
