"""Deployment: what a module's own command of `ksmp` may open."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from gateway.contract.module import Module

M = TypeVar("M", bound=Module)


class Deployment(Protocol):
    """The deployment of the environment. `@click.pass_obj` gives it to a command of the group `ksmp.commands`."""

    def module(self, kind: type[M], data: Path | None = None) -> AbstractAsyncContextManager[M]:
        """The module with the database, as in a gateway, but without its lifespan: nothing of it runs by itself.

        What it publishes waits in the outbox until a gateway sends it. `data` is the folder of a `ksmp dev` to open
        instead. Raises SettingsError, and Unavailable when the database is away.
        """
