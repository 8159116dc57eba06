"""The gateway and the school of the tests of boards."""

from __future__ import annotations

from tests.modules.analytics.boards.conftest import node, school

__all__ = ["node", "school"]
