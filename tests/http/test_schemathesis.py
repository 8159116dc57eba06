"""The API is as its description says: schemathesis makes requests of it, good ones and bad ones, and finds nothing."""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path

import httpx
import pytest

from ksmp_testkit import MakeToken
from tests.http import schemathesis_config
from tests.http.conftest import Site

# Never ends when it is let in.
EXCLUDED = "/realtime/sse"
EXAMPLES = 2


# Thousands of requests, one after the other: more than two minutes on a busy machine.
@pytest.mark.timeout(420)
async def test_the_api_is_as_described(site: Site, token: MakeToken, tmp_path: Path) -> None:
    url = f"{site.running.url}/api/docs/openapi.json"
    config = tmp_path / "schemathesis.toml"
    async with httpx.AsyncClient(timeout=60.0) as http:
        schemathesis_config.write(config, (await http.get(url)).json())
    command = ["--config-file", str(config), "run", url, "--exclude-path", EXCLUDED, "--no-color"]
    command += ["--header", f"Authorization: Bearer {token(uuid.uuid4().hex, 'admin')}"]
    command += ["--max-examples", str(EXAMPLES), "--generation-deterministic"]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"),
        *command,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
