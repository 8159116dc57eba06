"""`ksmp doctor --data`: what a `ksmp dev` uses, looked at from outside, whether it runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from devstack import gateways, probe, state, surroundings
from devstack.devcloud import HEALTH
from devstack.errors import DevStackError
from devstack.folder import MARKER, DataFolder
from devstack.issuer import KEY_FILE
from gateway import module_folders
from gateway.doctor import Finding, examine
from gateway.registry import RegistryError
from gateway.settings import SettingsError, variable

SUBJECT = "ksmp dev"


async def examine_dev(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Check each gateway's surroundings while it runs; while it is stopped, its settings and what it left.

    Raises DevStackError when the folder is not one of `ksmp dev`.
    """
    return await asyncio.to_thread(_stopped, data, environ) or await _running(data, environ)


def _stopped(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Findings while nothing runs in the folder; empty when something does."""
    folder = DataFolder(data)
    if not (folder.path / MARKER).exists():
        raise DevStackError(f"{data} is no folder of `ksmp dev`; run `ksmp dev --data {data}` once.")
    if folder.used:
        return []
    try:
        gateways.check(environ)
        settings = Finding(subject="settings", ok=True, text="what is set for `ksmp dev` makes sense")
    except (SettingsError, RegistryError) as error:
        settings = Finding(subject="settings", ok=False, text=str(error))
    parts = {
        "PostgreSQL's data": folder.path / "postgres",
        "NATS' data": folder.path / "nats",
        "the token issuer's key": folder.issuer / KEY_FILE,
    }
    kept = ", ".join(name for name, path in parts.items() if path.exists()) or "nothing"
    text = f"it is stopped, and kept {kept}; start it with `ksmp dev --data {data}`."
    return [settings, Finding(subject=SUBJECT, ok=False, text=text)]


async def _running(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    folder = DataFolder(data)
    try:
        known = await asyncio.to_thread(state.read, folder.state)
    except FileNotFoundError:
        text = f"it is starting or stopping; see {folder.logs} when that takes long."
        return [Finding(subject=SUBJECT, ok=False, text=text)]
    except (OSError, msgspec.DecodeError) as error:
        raise DevStackError(f"{folder.state} cannot be read: {error}.") from None
    found = await _gateways(folder, known.gateways)
    try:
        variables = _variables(folder, known, environ)
    except SettingsError as error:
        return [found, Finding(subject="settings", ok=False, text=str(error))]
    return [found, *await examine(variables), *await _cloud(known.aws_endpoint)]


async def _gateways(folder: DataFolder, urls: Sequence[str]) -> Finding:
    """Whether each gateway serves clients: one that hangs still has its address in the state."""
    answers = await asyncio.gather(*(probe.get(f"{url}/health/ready") for url in urls))
    wrong = [
        f"{url} " + (f"answers {status}" if status else "does not answer")
        for url, (status, _) in zip(urls, answers, strict=True)
        if status != 200
    ]
    if wrong:
        text = f"{', '.join(wrong)}; one that has ended is started again, so ask once more, and see {folder.logs}."
        return Finding(subject=SUBJECT, ok=False, text=text)
    return Finding(subject=SUBJECT, ok=True, text=f"it runs with {len(urls)} gateway(s): {', '.join(urls)}")


async def _cloud(endpoint: str) -> list[Finding]:
    if not endpoint:
        return []
    status, _ = await probe.get(endpoint + HEALTH)
    text = f"answers at {endpoint}" if status == 200 else f"nothing answers at {endpoint}; see devcloud.log"
    return [Finding(subject="stand-in for AWS", ok=status == 200, text=text)]


def environment_of(data: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a gateway of the `ksmp dev` that runs in the folder; raises DevStackError and SettingsError."""
    folder = DataFolder(data)
    try:
        known = state.read(folder.state)
    except FileNotFoundError:
        raise DevStackError(f"no `ksmp dev` runs in {data}; start it with `ksmp dev --data {data}`.") from None
    except (OSError, msgspec.DecodeError) as error:
        raise DevStackError(f"{folder.state} cannot be read: {error}.") from None
    return _variables(folder, known, environ)


def _variables(folder: DataFolder, known: state.State, environ: Mapping[str, str]) -> dict[str, str]:
    # What looks at a `ksmp dev` does so as its gateways do.
    surroundings.leave_out(stand_in=bool(known.aws_endpoint))
    ports = [urlsplit(url).port or 0 for url in known.gateways]
    # What reaches them, whatever else they listen on.
    host = {variable("host"): urlsplit(known.gateways[0]).hostname or ""}
    folders = {module_folders.VARIABLE: ",".join(known.module_paths)} if known.module_paths else {}
    return gateways.variables(
        ports[0],
        ports=ports,
        database_url=known.database_url,
        nats_url=known.nats_url.split(","),
        issuer=folder.issuer,
        environ=folders | dict(environ) | host,
        aws_endpoint=known.aws_endpoint,
        scanner=known.scanner,
    )
