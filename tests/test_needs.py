"""A test whose program is missing is skipped on a developer's machine, and fails where changes are judged."""

from __future__ import annotations

import shutil

import pytest

from tests import needs


def test_a_missing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        needs.program("a browser", "chromium", also=["/nowhere/chrome"])
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        needs.program("a browser", "chromium")


def test_a_program_that_is_there() -> None:
    shell = shutil.which("sh")
    assert needs.program("a browser", "chromium-of-nobody", "sh") == shell
    assert needs.program("a browser", "chromium-of-nobody", also=[str(shell)]) == shell
