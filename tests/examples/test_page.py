"""The pages for authors of modules say what the code does.

What `docs/write-a-module.md` builds is the example, which `test_whiteboard.py` installs and uses.
"""

from __future__ import annotations

import importlib.util
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


def test_the_reference_is_as_the_code_is() -> None:
    spec = importlib.util.spec_from_file_location("module_reference", ROOT / "docs/module_reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    written = (ROOT / "docs/module-reference.md").read_text()
    assert written == reference.page(), "run `uv run python docs/module_reference.py`"
    # Whatever has no docstring.
    assert "|  |" not in written
