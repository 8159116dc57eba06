"""A module in a package of its own is installed beside the gateway, used, and turned off by a setting."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from gateway import settings as kernel_settings
from ksmp_client import Client
from ksmp_client.errors import CommandFailed
from ksmp_testkit import LOOPBACK, CreateSession, MakeSettings, MakeToken
from tests import needs

ROOT = Path(__file__).parents[2]


def run(*command: str, environ: dict[str, str] | None = None) -> str:
    environ = needs.outside() if environ is None else environ
    done = subprocess.run(command, check=False, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed() -> str:
    """The files that differ from the commit; nothing is known of sources that are no checkout."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return ""
    return run("git", "status", "--porcelain")


@pytest.fixture(scope="module")
def ksmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ksmp` of a fresh environment, with the wheels of gateway and example.

    What they depend on is what the tests run with, by a .pth file: nothing is downloaded. The gateway itself is
    found in its wheel first, so a file that the wheel lacks is missing.
    """
    folder = tmp_path_factory.mktemp("whiteboard")
    uv = needs.program("uv", "uv")
    for source in (ROOT, ROOT / "examples/whiteboard"):
        # Hatchling is no dependency of the gateway; uv has it in its cache.
        run(uv, "build", "-q", "--wheel", "--out-dir", str(folder / "wheels"), str(source))
    run(uv, "venv", "-q", "--python", sys.executable, str(folder / "venv"))
    python = str(folder / "venv/bin/python")
    wheels = [str(file) for file in (folder / "wheels").glob("*.whl")]
    assert len(wheels) == 2
    run(uv, "pip", "install", "-q", "--no-deps", "--offline", "--python", python, *wheels)
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Of what they depend on this is no file of Python, so the .pth file does not lead to it.
    (folder / "venv/bin/nats-server").symlink_to(Path(sysconfig.get_path("scripts")) / "nats-server")
    # So that a type check of a module sees the types of what it imports.
    for package in ("gateway", "modules", "devstack", "ksmp_testkit"):
        assert (site / package / "py.typed").exists(), package
    where = run(python, "-I", "-c", "import gateway; print(gateway.__file__)")
    assert where.startswith(str(folder))
    return folder / "venv/bin/ksmp"


@contextlib.asynccontextmanager
async def serving(ksmp: Path, settings: MakeSettings, **variables: str) -> AsyncIterator[str]:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("KSMP_", "PYTHON"))}
    environ |= kernel_settings.environment(settings(port=port)) | variables
    await asyncio.to_thread(run, str(ksmp), "migrate", environ=environ)
    process = await asyncio.create_subprocess_exec(ksmp, "serve", env=environ)
    try:
        url = f"http://{LOOPBACK}:{port}"
        async with asyncio.timeout(30), httpx.AsyncClient() as http:
            while True:
                assert process.returncode is None, "the gateway ended before it was ready"
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(f"{url}/health/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def test_its_own_tests(ksmp: Path) -> None:
    example = ROOT / "examples/whiteboard"
    python = str(ksmp.parent / "python")
    # The gateway's own tree is neither the tests' root nor on their path.
    settings, tests = str(example / "pyproject.toml"), str(example / "tests")
    run(python, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", settings, "--rootdir", str(example), tests)


async def test_a_package_of_its_own(
    ksmp: Path,
    settings: MakeSettings,
    token: MakeToken,
    create_session: CreateSession,
    database: asyncpg.Pool,
) -> None:
    before = changed()
    session = await create_session()
    path = f"/api/v1/whiteboards/{session}"
    headers = {"Authorization": f"Bearer {token('mentor', 'mentor')}"}
    stroke = {"points": [[1, 2], [3, 4]]}

    async with serving(ksmp, settings, KSMP_WHITEBOARD_IDLE_SECONDS="1") as url:
        student = Client([url], token=token("student"))
        async with student, httpx.AsyncClient(base_url=url) as http:
            room = await student.join(f"session:{session}")
            assert (await room.command("whiteboard.draw", stroke))["rev"] == 1
            with pytest.raises(CommandFailed, match="forbidden"):
                await room.command("whiteboard.clear", {})
            assert (await http.get(path)).status_code == 401
            assert (await http.get(path, headers=headers)).json()["session_id"] == session
            another = {"Authorization": f"Bearer {token('another', 'mentor')}"}
            assert (await http.get(path, headers=another)).status_code == 403
            assert (await http.get("/api/v1/whiteboards/none", headers=headers)).status_code == 403
            admin = {"Authorization": f"Bearer {token('boss', 'admin')}"}
            assert (await http.get(path, headers=admin)).status_code == 200
            # The timer empties the board, the listener counts that.
            async with asyncio.timeout(20):
                while await database.fetchval("SELECT wipes FROM whiteboard_board WHERE session_id = $1", session) != 1:
                    await asyncio.sleep(0.1)
            found = (await http.get(path, headers=headers)).json()
            assert found == {"session_id": session, "rev": 2, "strokes": []}

    async with (
        serving(ksmp, settings, KSMP_MODULES="accounts,files,programs,live,chat") as url,
        Client([url], token=token("student")) as student,
        httpx.AsyncClient(base_url=url) as http,
    ):
        room = await student.join(f"session:{session}")
        with pytest.raises(CommandFailed, match="unknown_command"):
            await room.command("whiteboard.draw", stroke)
        assert (await room.command("chat.send", {"text": "still here"}))["seq"] > 0
        assert (await http.get(path, headers=headers)).status_code == 404

    assert changed() == before
