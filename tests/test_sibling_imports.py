"""A module that imports a sibling's inside is told so, with file and line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.contract import Module
from gateway.registry import load
from gateway.sibling_imports import _faults, import_faults, package_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, with a package `quizzes` whose module is QuizModule."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "quizzes"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text(
        "from gateway.contract import Module\n\nclass QuizModule(Module):\n    name = 'quizzes'\n"
    )
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "quizzes"]:
        del sys.modules[name]


def found(folder: Path, line: str, file: str = "rules.py") -> list[str]:
    _faults.cache_clear()
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(f"{line}\n")
    importlib.invalidate_caches()
    module: type[Module] = importlib.import_module("quizzes.module").QuizModule
    return [fault.removeprefix(f"{folder}/") for fault in import_faults(module, (*load(), module))]


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("from modules.live.room.polls import Polls", "modules.live.room.polls.Polls"),
        ("import modules.chat.module", "modules.chat.module"),
        ("import modules.chat", "modules.chat"),
        ("from modules.live import states", "modules.live.states"),
        ("from modules import live", "modules.live"),
        ("def late():\n    import modules.live.states", "modules.live.states"),
        ("if TYPE_CHECKING:\n    from modules.live.states import Step", "modules.live.states.Step"),
    ],
)
def test_a_sibling_s_inside(folder: Path, line: str, imported: str) -> None:
    at = line.count("\n") + 1
    assert found(folder, line) == [f"rules.py:{at} imports {imported}; of a sibling import only facade and events"]


@pytest.mark.parametrize(
    "line",
    [
        "from modules.live.events import SessionEnded",
        "from modules.live import events, facade",
        "import modules.live.facade as live",
        "from gateway.contract import Module",
        "from quizzes.module import QuizModule",
        "from .module import QuizModule",
        "# modules.live.states is not for us",
    ],
)
def test_what_a_sibling_shows(folder: Path, line: str) -> None:
    assert found(folder, line) == []


@pytest.mark.parametrize(
    ("line", "file", "imported"),
    [
        ("from ..polls import rules", "rules.py", "acme.polls.rules"),
        ("from ..polls.rules import Rule", "rules.py", "acme.polls.rules.Rule"),
        ("from .. import polls", "rules.py", "acme.polls"),
        ("from ...polls.rules import Rule", "votes/count.py", "acme.polls.rules.Rule"),
        ("from ..polls.facade import Poll", "rules.py", None),
        ("from ..polls import events", "rules.py", None),
        ("from ..rules import Rule", "votes/count.py", None),
        ("from . import polls", "rules.py", None),
    ],
)
def test_a_relative_import_of_a_sibling_in_the_same_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, file: str, imported: str | None
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("quizzes", "polls"):
        package = tmp_path / "acme" / name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "module.py").write_text(
            f"from gateway.contract import Module\n\nclass Made(Module):\n    name = '{name}'\n"
        )
    source = tmp_path / "acme" / "quizzes" / file
    source.parent.mkdir(exist_ok=True)
    source.write_text(f"{line}\n")
    importlib.invalidate_caches()
    _faults.cache_clear()
    try:
        made: list[type[Module]] = [
            importlib.import_module(f"acme.{name}.module").Made for name in ("quizzes", "polls")
        ]
        faults = import_faults(made[0], made)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
            del sys.modules[name]
    told = f"{source}:1 imports {imported}; of a sibling import only facade and events"
    assert faults == (() if imported is None else (told,))


def test_a_file_of_a_package_inside(folder: Path) -> None:
    assert found(folder, "import modules.chat.pins", "rules/votes.py")[0].startswith("rules/votes.py:1 imports")


def test_tests_look_where_they_like(folder: Path) -> None:
    assert found(folder, "import modules.chat.pins", "tests/anything.py") == []
    assert found(folder, "import modules.chat.pins", "test_rules.py") == []


def test_a_module_s_package() -> None:
    assert {package_of(module) for module in load()} >= {"modules.live", "modules.chat"}
