"""A gateway in the tests' process must not block its event loop: a call that does fails the test it happened in."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, Final

import forbiddenfruit  # type: ignore[import-untyped]
from blockbuster import BlockBuster, blockbuster

from gateway.module_folders import GROUP

# What may block, and only there: a file's function, with the reason.
MAY_BLOCK: Final = (
    # A new connection to PostgreSQL looks whether there is a client certificate in the home folder.
    ("asyncpg/connect_utils.py", "_parse_connect_arguments"),
    # Modules are loaded, and migrations read, before a gateway serves; tests do it while another one runs.
    ("gateway/registry.py", "load"),
    ("gateway/db/module_tables.py", "table_faults"),
    ("gateway/db/migrate.py", "found"),
    ("gateway/db/migrate.py", "_apply"),
    ("gateway/db/migrate.py", "checksum"),
    # So is the description of a vendor's API.
    ("modules/accounts/cognito.py", "open"),
    ("gateway/aws/service.py", "open"),
    # The first use of a time zone in a process reads its file, of a few kilobytes.
    ("modules/assignments/dates/wall_time.py", "zone_of"),
    # What the process uses is read from /proc, which is no disk.
    ("prometheus_client/process_collector.py", "collect"),
    # Log lines go to standard error, and are few.
    ("logging/__init__.py", "emit"),
    # A traceback on a developer's console shows the source; production's JSON does not.
    ("structlog/dev.py", "__call__"),
)


class Watch:
    """Watches while a gateway runs. `seen` are the calls that blocked, also those whose error somebody caught."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._running = 0
        self._made: BlockBuster | None = None
        seen = self.seen

        class BlockingError(blockbuster.BlockingError):
            def __init__(self, call: str) -> None:
                super().__init__(call)
                seen.append(f"{call}\n{''.join(traceback.format_stack(limit=12))}")

        self._error: Any = BlockingError

    @property
    def _buster(self) -> BlockBuster:
        """Made when it is first needed, because the plug-in may add the tests' own module to what is installed."""
        if self._made is None:
            # Calls from the gateway's code and the installed modules' alone: a test may wait as it likes, and so may
            # what starts its servers.
            packages = {point.module.partition(".")[0] for point in entry_points(group=GROUP)}
            self._made = BlockBuster(sorted({"gateway", *packages}))
            for function in self._made.functions.values():
                for file, name in MAY_BLOCK:
                    function.can_block_in(file, name)
        return self._made

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While a gateway serves; several may at once."""
        if not self._running:
            # BlockBuster raises what its module has under this name.
            vars(blockbuster)["BlockingError"] = self._error
            self._buster.activate()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._buster.deactivate()
                self._forget_wrappers()

    def _forget_wrappers(self) -> None:
        """Take out of the built-in types what forbiddenfruit keeps there: the interpreter crashes on it as it ends."""
        for function in self._buster.functions.values():
            replaced = f"_c_{function.func_name}"
            if isinstance(function.module, type) and replaced in vars(function.module):
                forbiddenfruit.reverse(function.module, replaced)


WATCH = Watch()
