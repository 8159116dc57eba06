"""ksmp-client alone in an environment of its own: it needs nothing else, and the example of its page runs there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.client.stack import LAPTOP, Stack

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "clients/python"

# What a gateway needs and a client does not.
ABSENT = ("gateway", "modules", "litestar", "nats", "asyncpg", "piccolo", "uvicorn", "pytest")

EVERY_MODULE = f"""
import importlib.util, pkgutil, sys
import ksmp_client
for module in pkgutil.walk_packages(ksmp_client.__path__, "ksmp_client."):
    importlib.import_module(module.name)
    print(module.name)
found = [name for name in {ABSENT!r} if importlib.util.find_spec(name)]
assert not found, found
assert ksmp_client.__file__.startswith(sys.prefix), ksmp_client.__file__
"""


def run(*command: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        check=False,
        env=needs.outside() | (environ or {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of a fresh environment: the wheel of ksmp-client, and what it depends on as locked."""
    venv = tmp_path_factory.mktemp("client") / "venv"
    # The packages are in uv's cache, since the tests themselves run with them.
    run(
        needs.program("uv", "uv"),
        *("sync", "-q", "--locked", "--package", "ksmp-client", "--no-default-groups", "--no-editable"),
        # Built anew: uv would take a wheel of earlier sources from its cache.
        *("--reinstall-package", "ksmp-client"),
        *("--python", sys.executable),
        environ={"UV_PROJECT_ENVIRONMENT": str(venv)},
    )
    return str(venv / "bin/python")


@pytest.fixture(scope="module", params=["clients/python/README.md", "README.md"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of a page, as printed."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / request.param).read_text(), re.DOTALL)
    file = tmp_path_factory.mktemp("example") / "example.py"
    file.write_text(code)
    return file


def test_every_module_is_there_and_needs_no_gateway(python: str) -> None:
    printed = run(python, "-I", "-c", EVERY_MODULE).split()
    names = {f"ksmp_client.{file.stem}" for file in (PROJECT / "ksmp_client").glob("*.py") if file.stem != "__init__"}
    assert set(printed) == names


def test_types_reach_a_program_that_uses_it(python: str, example: Path) -> None:
    run(
        *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", python),
        *("--cache-dir", str(Path(python).parent / "mypy"), str(example)),
    )


async def test_the_examples_of_the_pages_chat(python: str, example: Path, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / ".ksmp").symlink_to(stack.data)
    process = await asyncio.create_subprocess_exec(
        *(python, "-I", "-u", example),
        cwd=tmp_path,
        # No proxy is between two programs of one machine.
        env=os.environ | LAPTOP,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        shown = b""
        async with asyncio.timeout(30):
            while not re.search(rb"Good morning|'text': 'hello'", shown):
                line = await process.stdout.readline()
                assert line, (await process.stderr.read()).decode()
                shown += line
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
