"""Linters and generators read the API's description without a fault, and what they generate calls a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from ksmp_testkit import Caller, MakeToken
from tests.http.conftest import Site
from tests.needs import program

HERE = Path(__file__).parent
# Where `.ci/run` installs what package.json lists.
MODULES = HERE.parents[2] / ".generators" / "node_modules"
METHODS = ("get", "post", "put", "patch", "delete")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
GOT = {"role": "mentor", "title": "Generated", "capacity": None, "refused": "precondition_failed", "said": 200}


def tool(name: str) -> str:
    return program("the generators", str(MODULES / ".bin" / name))


async def run(*command: str, folder: Path) -> str:
    """What a command writes; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=os.environ | QUIET,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.fixture
async def description(caller: Caller, tmp_path: Path) -> dict[str, Any]:
    """The description, which is also in the file openapi.json of the test's folder."""
    answer = await caller().get("/api/docs/openapi.json")
    (tmp_path / "openapi.json").write_bytes(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def operations(description: dict[str, Any]) -> int:
    return sum(method in item for item in description["paths"].values() for method in METHODS)


@pytest.mark.usefixtures("description")
async def test_redocly_finds_nothing(tmp_path: Path) -> None:
    lint = [tool("redocly"), "lint", "openapi.json", "--format=summary", "--config", str(HERE / "redocly.yaml")]
    said = await run(*lint, folder=tmp_path)
    assert not re.search(r"^(error|warning) ", said, re.MULTILINE), said


@pytest.mark.usefixtures("description")
async def test_spectral_finds_nothing(tmp_path: Path) -> None:
    lint = [tool("spectral"), "lint", "openapi.json", "--ruleset", str(HERE / "spectral.yaml"), "--fail-severity=hint"]
    assert "No results" in await run(*lint, folder=tmp_path)


async def test_the_python_client_is_whole_and_works(
    site: Site, token: MakeToken, room: str, description: dict[str, Any], tmp_path: Path
) -> None:
    generator = str(Path(sys.executable).parent / "openapi-python-client")
    options = ["--meta", "none", "--output-path", "ksmp_api", "--config", str(HERE / "python-client.yaml")]
    said = await run(generator, "generate", "--path", "openapi.json", *options, folder=tmp_path)
    assert "WARNING" not in said, said
    made = [file for file in (tmp_path / "ksmp_api" / "api").rglob("*.py") if file.name != "__init__.py"]
    assert len(made) == operations(description)
    models = {file.name for file in (tmp_path / "ksmp_api" / "models").iterdir()}
    assert {"program_view.py", "report_view.py", "chat_send_command_data.py"} <= models
    shutil.copy(HERE / "use_client.py", tmp_path)
    mentor = token(uuid.uuid4().hex, "mentor")
    said = await run(sys.executable, "use_client.py", site.running.url, mentor, room, folder=tmp_path)
    assert json.loads(said) == GOT


async def test_the_typescript_client_is_whole_and_works(
    site: Site, token: MakeToken, room: str, description: dict[str, Any], tmp_path: Path
) -> None:
    node = program("node", "node")
    await run(tool("openapi-typescript"), "openapi.json", "-o", "schema.d.ts", folder=tmp_path)
    types = (tmp_path / "schema.d.ts").read_text()
    assert all(f'"{path}": {{' in types for path in description["paths"])
    # An object of which nothing is said would be one that holds nothing.
    assert "[key: string]: Record<string, never>" not in types
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(MODULES)
    shutil.copy(HERE / "client.ts", tmp_path)
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"]
    await run(tool("tsc"), *options, "client.ts", folder=tmp_path)
    mentor = token(uuid.uuid4().hex, "mentor")
    assert json.loads(await run(node, "client.js", site.running.url, mentor, room, folder=tmp_path)) == GOT
