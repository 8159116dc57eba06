"""`ksmp dev --reload`: the gateways start again when the code of the gateway or of a module changes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

from watchfiles import PythonFilter, awatch

import gateway
from devstack.errors import DevStackError
from gateway import registry
from gateway.settings import PREFIX, Settings

MIGRATE = (sys.executable, "-m", "gateway.cli", "migrate")
MIGRATION = ".sql"


def code_of(settings: Settings) -> set[Path]:
    """The folders, or single files, with the code of the gateway and of the modules that are on."""
    packages = {module.__module__.partition(".")[0] for module in registry.enabled(settings)}
    return {
        Path(place)
        for name in (gateway.__name__, *packages)
        for place in getattr(sys.modules[name], "__path__", [sys.modules[name].__file__])
    }


async def changes(paths: Iterable[Path]) -> AsyncIterator[set[Path]]:
    """The Python files and migrations that changed, as soon as nothing more changes; until cancelled."""
    async for found in awatch(*paths, watch_filter=PythonFilter(extra_extensions=(MIGRATION,))):
        yield {Path(name) for _, name in found}


async def migrate(environ: Mapping[str, str], *, group: int) -> None:
    """Bring the database up to date in a process of its own, which loads the code as it is now.

    `group` is the process group it runs in. Raises DevStackError.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    done = await asyncio.to_thread(
        subprocess.run,
        MIGRATE,
        env=inherited | dict(environ),
        capture_output=True,
        text=True,
        check=False,
        process_group=group,
    )
    if done.returncode:
        raise DevStackError(done.stderr.strip().removeprefix("Error: ") or "The migration failed.")
