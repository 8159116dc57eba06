"""FAULTS.md and the tests agree."""

from __future__ import annotations

from pathlib import Path

from tests.modules.faults_page import FaultsPage

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent


def test_each_fault_has_its_tests() -> None:
    FaultsPage(ROOT / "modules/analytics/FAULTS.md", (HERE, ROOT / "tests/system")).check(14)
