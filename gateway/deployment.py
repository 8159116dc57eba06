"""Opens a module of a deployment for a command: with its database, without sockets, NATS and workers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry

from gateway import module_folders, registry
from gateway.app import Gateway
from gateway.contract.module import Module
from gateway.settings import Settings, SettingsError, read

M = TypeVar("M", bound=Module)


@contextlib.asynccontextmanager
async def opened(kind: type[M], environ: Mapping[str, str]) -> AsyncIterator[M]:
    """The module as the deployment in the environment has it; raises SettingsError and Unavailable."""
    module_folders.use_those_of(environ)
    settings = read(Settings, environ)
    gateway = Gateway(settings, registry.load(settings.modules), environ=environ, registry_=CollectorRegistry())
    found = next((module for module in gateway.modules if isinstance(module, kind)), None)
    if found is None:
        raise SettingsError(f"the module {kind.name} is off; add it to KSMP_MODULES.")
    for module in gateway.modules:
        gateway.database.bind(module.tables)
    await gateway.database.start()
    try:
        yield found
    finally:
        await gateway.database.stop()
