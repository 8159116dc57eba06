"""What `docs/write-a-module.md` builds is the example, which `test_whiteboard.py` installs and uses."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/whiteboard"
BLOCK = re.compile(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_builds_the_example() -> None:
    written = dict(BLOCK.findall((ROOT / "docs/write-a-module.md").read_text()))
    files = [EXAMPLE / "pyproject.toml", *(EXAMPLE / "ksmp_whiteboard").rglob("*.py")]
    files += (EXAMPLE / "ksmp_whiteboard").rglob("*.sql")
    files.append(EXAMPLE / "tests/test_whiteboard.py")
    assert written == {str(file.relative_to(EXAMPLE)): file.read_text() for file in files}
