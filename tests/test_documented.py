"""Whatever a client or an operator can meet is named by a test and by a page."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

import gateway
from gateway import registry
from gateway.app import Gateway
from gateway.contract.module import Module
from gateway.errors import CloseCode, Code
from gateway.protocol.messages import CORE_COMMANDS
from gateway.settings import PREFIX, Settings, variable

ROOT = Path(gateway.__file__).parent.parent
GATEWAY = Gateway.described(registry.load())
MODULES = GATEWAY.modules


@cache
def sources_of_tests() -> str:
    """Every test there is, except for this page of them."""
    return "\n".join(file.read_text() for file in sorted((ROOT / "tests").rglob("*.py")) if file != Path(__file__))


@cache
def pages() -> str:
    places = [ROOT / "gateway", ROOT / "modules"]
    return "\n".join(file.read_text() for place in places for file in sorted(place.rglob("*.md")))


def names(word: str, text: str) -> bool:
    """Whether the word stands there by itself, and not as a part of a longer one."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", text) is not None


def page_of(module: str) -> str:
    """The module's own page, and after it those of its packages."""
    folder = ROOT / "modules" / module
    assert (folder / "README.md").exists(), f"modules/{module} has no README.md"
    files = sorted(folder.rglob("README.md"), key=lambda file: (len(file.parts), file))
    return "\n".join(file.read_text() for file in files)


def pushes() -> set[tuple[str, str]]:
    """(module, push) of every push a built-in module's source names."""
    found: set[tuple[str, str]] = set()
    for module in MODULES:
        others = GATEWAY.declarations.commands
        for file in sorted((ROOT / "modules" / module.name).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                value = node.value if isinstance(node, ast.Constant) else None
                if isinstance(value, str) and re.fullmatch(rf"{module.name}\.[a-z_]+", value) and value not in others:
                    found.add((module.name, value))
    return found


@pytest.mark.parametrize("cmd", CORE_COMMANDS)
def test_core_commands(cmd: str) -> None:
    assert re.search(rf"^\| `{cmd}` \|", pages(), re.MULTILINE)
    assert re.search(rf'(call|send|fails|refused)\([^)]*"{cmd}"|\.{cmd}\(', sources_of_tests())


@pytest.mark.parametrize("code", Code)
def test_error_codes(code: Code) -> None:
    assert f"`{code}`" in pages()
    assert f'"{code}"' in sources_of_tests()


@pytest.mark.parametrize("code", CloseCode)
def test_close_codes(code: CloseCode) -> None:
    assert names(str(int(code)), pages())
    assert names(str(int(code)), sources_of_tests()) or f"CloseCode.{code.name}" in sources_of_tests()


@pytest.mark.parametrize(
    ("module", "command"), [(command.partition(".")[0], command) for command in GATEWAY.declarations.commands]
)
def test_module_commands(module: str, command: str) -> None:
    assert f"`{command}`" in page_of(module)
    assert f'"{command}"' in sources_of_tests()


@pytest.mark.parametrize(("module", "push"), sorted(pushes()))
def test_module_pushes(module: str, push: str) -> None:
    assert f"`{push}`" in page_of(module)
    assert f'"{push}"' in sources_of_tests()


def test_the_pushes_are_found() -> None:
    assert {("chat", "chat.message"), ("chat", "chat.deleted")} <= pushes()


def test_the_pushes_of_nested_packages_are_found() -> None:
    """Packages of live name `live.poll`; no file beside them does."""
    assert not [file for file in (ROOT / "modules" / "live").glob("*.py") if '"live.poll"' in file.read_text()]
    assert ("live", "live.poll") in pushes()


@pytest.mark.parametrize("module", [module.name for module in MODULES])
def test_modules(module: str) -> None:
    assert page_of(module).startswith("# ")
    for kind in next(one for one in MODULES if one.name == module).rooms:
        assert f"`{kind.name}" in page_of(module)
        assert re.search(rf'"{kind.name}:', sources_of_tests())


@pytest.mark.parametrize("name", [item.name for item in fields(Settings)])
def test_settings(name: str) -> None:
    assert f"`{variable(name)}`" in pages()
    # tests/test_settings.py reads each of them; those that matter to a client are used by a test too.
    assert (
        names(name, sources_of_tests())
        or variable(name) in sources_of_tests()
        or "NAMES = [item.name for item in" in sources_of_tests()
    )


@pytest.mark.parametrize(
    "name",
    [
        variable(item.name, registry.settings_prefix(module))
        for module in MODULES
        if module.settings_type is not None
        for item in fields(module.settings_type)
    ],
)
def test_settings_of_modules(name: str) -> None:
    assert name.startswith(PREFIX)
    assert f"`{name}`" in pages()
    assert name in sources_of_tests()


def raised(module: str) -> dict[str, set[int]]:
    """The error codes that a module's source makes, with the statuses of their classes."""
    found: dict[str, set[int]] = {}
    for file in sorted((ROOT / "modules" / module).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in STATUSES:
                continue
            for value in (*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "code")):
                if isinstance(value, ast.Constant) and re.fullmatch(rf"{module}\.[a-z_]+", str(value.value)):
                    found.setdefault(str(value.value), set()).add(STATUSES[node.func.id])
    return found


STATUSES = {"BadInput": 400, "Refused": 403, "Conflict": 409, "Limited": 429, "Unavailable": 503}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_modules_declare_their_codes(module: Module) -> None:
    """The API's description shows what is declared."""
    for code, statuses in raised(module.name).items():
        assert statuses <= set(module.codes.get(code, ())), code
    for code in module.codes:
        assert f"`{code}`" in page_of(module.name), code


def test_the_codes_are_found() -> None:
    assert raised("programs")["programs.payment_required"] == {409}
