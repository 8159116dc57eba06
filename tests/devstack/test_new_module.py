"""`ksmp new-module`: what it writes works as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack import new_module
from devstack.errors import DevStackError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_module.write("pop_quiz", tmp_path_factory.mktemp("author"))


def run(*command: str, directory: Path, **environ: str) -> str:
    """What a Python program says; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=directory,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_carries_the_name(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {str(path.relative_to(folder)) for path in files} == {
        "README.md",
        "pyproject.toml",
        "ksmp_pop_quiz/__init__.py",
        "ksmp_pop_quiz/lines.py",
        "ksmp_pop_quiz/messages.py",
        "ksmp_pop_quiz/module.py",
        "tests/test_pop_quiz.py",
    }
    assert not [path for path in files if "skeleton" in path.read_text().lower()]


def test_its_test_is_green(folder: Path) -> None:
    assert "2 passed" in run("pytest", "-q", "-p", "no:cacheprovider", ".", directory=folder)


def test_it_is_served_from_its_folder(folder: Path, tmp_path: Path) -> None:
    lines = run("gateway.cli", "modules", directory=tmp_path, KSMP_MODULE_PATHS=str(folder)).splitlines()
    where = lines.index("pop_quiz 0.1.0 (on)")
    assert lines[where + 1 : where + 3] == ["  requires: live", "  commands: pop_quiz.say"]


def test_it_is_clean(folder: Path) -> None:
    options = ("--isolated", "--line-length", "120", "--target-version", "py311", ".")
    run("ruff", "check", "--select", "E,F,I,UP,B", *options, directory=folder)
    run("ruff", "format", "--check", "--isolated", "--line-length", "120", ".", directory=folder)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Pop-Quiz", r"^'Pop-Quiz' is no name for a module; "),
        ("chat", r"^A module chat is installed already; "),
        ("taken", r"taken exists already; choose another name, or another folder with --into\.$"),
        ("inside", r"^.*inside cannot be written: Not a directory\.$"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "taken").mkdir()
    into = tmp_path
    if name == "inside":
        into = tmp_path / "file"
        into.touch()
    with pytest.raises(DevStackError, match=sentence):
        new_module.write(name, into)
