"""Modules from folders that nobody installed."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from gateway import module_folders, registry
from gateway.settings import SettingsError

MODULE = """
from gateway.contract import Module

class QuizzesModule(Module):
    name = "{name}"
"""
PROJECT = """
[project]
name = "ksmp-quizzes"
version = "1.2"

[project.entry-points."ksmp.modules"]
quizzes = "ksmp_quizzes.module:QuizzesModule"
"""


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield
    module_folders.use(())
    for name in set(sys.modules) - known:
        del sys.modules[name]


def package(path: Path, text: str = MODULE, name: str = "quizzes") -> Path:
    path.mkdir(parents=True)
    (path / "__init__.py").touch()
    (path / "module.py").write_text(text.format(name=name))
    return path


def found(path: Path) -> list[str]:
    module_folders.use([str(path)])
    return [point.value for point in entry_points(group="ksmp.modules") if point.name.startswith("quizzes")]


def test_a_folder_that_holds_packages(tmp_path: Path) -> None:
    package(tmp_path / "ksmp_quizzes")
    package(tmp_path / "more", name="quizzes_more")
    (tmp_path / "notes").mkdir()
    assert found(tmp_path) == ["ksmp_quizzes.module:QuizzesModule", "more.module:QuizzesModule"]
    assert [one.name for one in registry.load(("quizzes", "quizzes_more"))] == ["quizzes", "quizzes_more"]


def test_a_package_itself(tmp_path: Path) -> None:
    assert found(package(tmp_path / "ksmp_quizzes")) == ["ksmp_quizzes.module:QuizzesModule"]
    assert [one.name for one in registry.load(("quizzes",))] == ["quizzes"]


@pytest.mark.parametrize("inside", ["", "src"])
def test_a_project(tmp_path: Path, inside: str) -> None:
    package(tmp_path / inside / "ksmp_quizzes")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert found(tmp_path) == ["ksmp_quizzes.module:QuizzesModule"]
    assert version("ksmp-quizzes") == "1.2"
    assert [one.name for one in registry.load(("quizzes",))] == ["quizzes"]


def test_what_is_installed_stays(tmp_path: Path) -> None:
    before = registry.installed()
    found(package(tmp_path / "ksmp_quizzes"))
    assert registry.installed() == sorted([*before, "quizzes"])
    module_folders.use(())
    assert registry.installed() == before
    assert version("ksmp")


def test_a_folder_wins_over_an_installed_package_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace("ksmp-quizzes", "ksmp"))
    assert found(tmp_path) == ["ksmp_quizzes.module:QuizzesModule"]
    assert registry.installed() == ["quizzes"]


def test_what_lies_beside_a_module_replaces_nothing(tmp_path: Path) -> None:
    package(tmp_path / "ksmp_quizzes")
    (tmp_path / "this.py").write_text("raise AssertionError('of a stranger')")
    (tmp_path / "helpers.py").write_text("here = True")
    found(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        assert importlib.import_module("this").__file__ != str(tmp_path / "this.py")
    # What only it has is found.
    assert importlib.import_module("helpers").here


def test_a_module_wins_over_an_installed_package(tmp_path: Path) -> None:
    package(tmp_path / "installed" / "ksmp_quizzes")
    sys.path.insert(0, str(tmp_path / "installed"))
    mine = package(tmp_path / "mine" / "ksmp_quizzes")
    found(tmp_path / "mine")
    assert importlib.import_module("ksmp_quizzes.module").__file__ == str(mine / "module.py")


@pytest.mark.parametrize("name", ["gateway", "email", "json"])
def test_a_module_in_a_package_of_a_taken_name(tmp_path: Path, name: str) -> None:
    package(tmp_path / name)
    with pytest.raises(
        SettingsError, match=rf"holds a module in a package called {name}, which is taken; rename it\.$"
    ):
        found(tmp_path)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        pytest.param({}, r"holds no module: it needs a pyproject\.toml with an entry point", id="nothing"),
        pytest.param({"pyproject.toml": "[project]"}, r"has no entry point in the group ksmp\.modules", id="no entry"),
        pytest.param({"pyproject.toml": "[project"}, r"pyproject\.toml cannot be read: ", id="broken project"),
        pytest.param({"__init__.py": "", "module.py": "def"}, r"module\.py cannot be read: ", id="broken module"),
        pytest.param({"__init__.py": "", "module.py": "x = 1"}, r'such as name = "quizzes"; found 0\.', id="no class"),
    ],
)
def test_a_folder_without_a_module_is_one_sentence(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        module_folders.use([str(tmp_path)])


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^KSMP_MODULE_PATHS names .*gone, which is no folder\.$"):
        module_folders.use([str(tmp_path / "gone")])
