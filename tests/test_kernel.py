"""The kernel knows no module: what its code says at run time names none of their commands, events or rooms."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
from gateway import registry
from gateway.app import Gateway

KERNEL = Path(gateway.__file__).parent
SUFFIXES = {".py", ".js", ".html", ".css", ".sql"}
FILES = sorted(path for path in KERNEL.rglob("*") if path.suffix in SUFFIXES)


@functools.cache
def named() -> re.Pattern[str]:
    """Matches `chat.send`, `live.poll_due`, `session:demo` and their like, of every installed module."""
    kinds = "|".join(kind.name for module in Gateway.described(registry.load()).modules for kind in module.rooms)
    return re.compile(rf"(?<![/\w])(?:(?:{'|'.join(registry.installed())})\.[A-Za-z_*]|(?:{kinds}):[A-Za-z0-9*])")


def said(text: str) -> Iterator[str]:
    """The strings of a Python file that are neither docstrings nor an example in the API's description."""
    tree = ast.parse(text)
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()) | ast.keyword(arg="example" | "examples"):
                skipped |= set(ast.walk(node.value))
            case ast.Assign(targets=[ast.Name(id="example" | "examples")]):
                skipped |= set(ast.walk(node.value))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= set(node.values)
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("text", ['ROOM = "session:demo"', 'run("chat.send")', 'f"live.{verb} of session:{room}"'])
def test_a_name_of_a_module_s_is_seen(text: str) -> None:
    assert any(named().search(string) for string in said(text))


def test_examples_may_name_modules() -> None:
    text = '"""Such as `chat.send`."""\nexample = "chat.send"\nParameter(example=["session:42"])'
    assert list(said(text)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNEL)))
def test_the_kernel_names_no_module(path: Path) -> None:
    text = path.read_text()
    strings = said(text) if path.suffix == ".py" else [text]
    assert [string for string in strings if named().search(string)] == []
