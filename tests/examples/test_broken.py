"""A module that breaks the contract stops `serve`, `migrate` and `modules` with one sentence that names it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import settings as kernel_settings
from ksmp_testkit import LOOPBACK, MakeSettings

HEAD = """
from contextlib import asynccontextmanager
from pathlib import Path
import msgspec
from litestar import get
from litestar.di import NamedDependency
from gateway.auth.policy import anyone
from gateway.contract import Module, command, listener

class Request(msgspec.Struct, frozen=True): ...
class Unknown(msgspec.Struct, frozen=True, tag="live.Unknown"): ...
@get("/open", sync_to_thread=False)
def unstated() -> None: ...
@get("/unserved", sync_to_thread=False, policy=anyone())
def unserved(board: NamedDependency[Request]) -> None: ...

class Broken(Module):
    name = "broken"
    requires = ("live",)
"""

COMMAND = """
    @command("{1}", room="session", role="viewer")
    async def {0}(self, context, request: Request): ...
"""

# A process that loads no other starts in half the time.
MODULES = ("accounts", "files", "programs", "live", "broken")
LIFESPAN = """
    @asynccontextmanager
    async def lifespan(self):
        raise ValueError("no board")
        yield
"""


def ksmp(folder: Path, command: str, body: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    info = folder / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ksmp.modules]\nbroken = broken:Broken\n")
    (folder / "broken.py").write_text(HEAD + body)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KSMP_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *command.split()],
        check=False,
        env=kept | environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("command", "body", "sentence"),
    [
        pytest.param(
            "serve",
            COMMAND.format("go", "broken.go") + COMMAND.format("again", "broken.go"),
            "Module broken declares the command broken.go twice.",
            id="command twice",
        ),
        pytest.param(
            "serve",
            COMMAND.format("go", "chat.go"),
            "Module broken: command chat.go must be broken.<verb>.",
            id="wrong prefix",
        ),
        pytest.param(
            "migrate",
            '    migrations = Path(__file__).parent / "migrations"',
            "Migration broken/0001_bad failed and was undone",
            id="bad migration",
        ),
        pytest.param(
            "serve",
            "    migrations = Path(__file__).parent / 'migration'",
            "migration; make it, or take `migrations` out.",
            id="no migrations",
        ),
        pytest.param(
            "serve",
            "    import modules.live.room.polls",
            "broken.py:20 imports modules.live.room.polls; of a sibling import only facade and events.",
            id="a sibling's inside",
        ),
        pytest.param("serve", LIFESPAN, "Module broken failed to start: ValueError('no board').", id="lifespan"),
        pytest.param(
            "serve --workers 2",
            LIFESPAN,
            "Module broken failed to start: ValueError('no board').",
            id="lifespan, of several",
        ),
        pytest.param(
            "serve",
            '    requires = ("attic",)',
            "Module broken requires attic, which is not installed; its name may be misspelt.",
            id="missing sibling",
        ),
        pytest.param(
            "serve",
            '    requires = ("broken",)',
            "Modules require each other in a circle: broken → broken",
            id="circle",
        ),
        pytest.param(
            "serve", "    routes = (unstated,)", "(broken.unstated) does not say who may call it", id="policy"
        ),
        pytest.param(
            "modules", "    routes = (unstated,)", "(broken.unstated) does not say who may call it", id="policy, asked"
        ),
        pytest.param(
            "serve",
            "    routes = (unserved,)",
            "A module's route cannot be used: Explicit dependency 'board' for 'unserved' has no default",
            id="no service",
        ),
        pytest.param(
            "serve",
            '    @listener(Unknown, "broken.hear")\n    async def hear(self, event, delivery): ...',
            "Module broken: broken.hear listens to live.Unknown, which live does not emit",
            id="unknown event",
        ),
    ],
)
async def test_a_breach(tmp_path: Path, settings: MakeSettings, command: str, body: str, sentence: str) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_bad.sql").write_text("CREATE TABEL broken ();")
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    environ = kernel_settings.environment(settings(port=port, log_level="error", modules=MODULES))
    done = await asyncio.to_thread(ksmp, tmp_path, command, body, environ)
    assert done.returncode == 1, done.stderr
    *logged, said = done.stderr.splitlines()
    assert said.startswith("Error: ")
    assert sentence in said
    # What a module raised itself is logged with its traceback; a breach of the contract needs none.
    # Of several processes each may get that far.
    assert {json.loads(line)["event"] for line in logged} == ({"module.start_failed"} if body is LIFESPAN else set())
    assert all("raise ValueError" in line or "no board" in line for line in logged)
    assert "Traceback" not in done.stdout + said
