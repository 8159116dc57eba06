"""A local PostgreSQL from a wheel: no installation, data and port kept between runs."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from types import TracebackType

import asyncpg  # type: ignore[import-untyped,unused-ignore]

from devstack import ports
from devstack.account import Account
from devstack.errors import DevStackError
from devstack.guard import Guard
from devstack.pgdata import USER, PostgresData
from devstack.process import Child, Report, end_leftover, pid_file

NAME = "postgres"
DATABASE = "ksmp"

# SIGINT is the fast shutdown: clients are cut off and everything is written. SIGQUIT leaves the rest to recovery.
STOP_STEPS = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 1.0))


class Postgres:
    """PostgreSQL with its files under `folder`, on 127.0.0.1, with a database `ksmp` and a random password.

    What was committed survives any end of the server. Without `restart` a server that dies stays away
    until `start`. Root works too; `account` overrides the choice of who it runs as then.
    """

    def __init__(
        self,
        folder: Path,
        *,
        guard: Guard | None = None,
        restart: bool = True,
        report: Report | None = None,
        account: Account | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._guard = guard
        self._restart = restart
        self._report = report
        self._account = account
        self._data: PostgresData | None = None
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where the database is, with user and password; known once started."""
        return self._url(DATABASE)

    @property
    def port(self) -> int:
        return self._prepared.port

    @property
    def pid(self) -> int | None:
        """The id of the postmaster, None while it is away."""
        return self._child.pid if self._child is not None else None

    @property
    def up(self) -> bool:
        """Whether it runs and was ready."""
        return self._child is not None and self._child.up

    async def start(self) -> None:
        """Start and wait until the database takes queries. Raises DevStackError; then nothing is left running."""
        data = PostgresData(
            self._folder / "postgres",
            group=self._guard.group if self._guard is not None else 0,
            account=self._account,
        )
        self._data = data
        # A server that survived its killed parent holds the port and the data that prepare looks at.
        await self.stop()
        await asyncio.to_thread(end_leftover, pid_file(self._folder, NAME))
        await asyncio.to_thread(data.prepare)
        self._child = self._make_child(data)
        await self._child.start()
        try:
            await self._create_database()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Shut down within five seconds, cutting off clients."""
        if self._child is not None:
            await self._child.stop()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the postmaster a signal; its backends end with it."""
        if self._child is not None:
            self._child.kill(number)

    async def died(self) -> None:
        """Wait until the present postmaster has ended."""
        if self._child is not None:
            await self._child.died()

    async def ready(self) -> bool:
        """Whether it takes queries now."""
        try:
            connection = await asyncpg.connect(self._url("postgres"), timeout=2.0)
        except asyncpg.InvalidPasswordError:
            raise DevStackError(
                f"PostgreSQL does not take the password in {self._prepared.folder / 'password'}; "
                "put the right one back or start over with --fresh."
            ) from None
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError):
            return False
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if isinstance(error, asyncpg.PostgresConnectionError):
                return False
            said = str(error).partition("\n")[0].rstrip(".")
            raise DevStackError(f"PostgreSQL's data is unusable ({said}); start over with --fresh.") from None
        await connection.close(timeout=2.0)
        return True

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self._url("postgres"), timeout=5.0)
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await connection.execute(f'create database "{DATABASE}"')
        except asyncpg.PostgresError as error:
            raise DevStackError(f"PostgreSQL's database {DATABASE} could not be made: {error}.") from None
        finally:
            await connection.close(timeout=5.0)

    def _make_child(self, data: PostgresData) -> Child:
        return Child(
            NAME,
            _command(data),
            folder=self._folder,
            ready=self.ready,
            directory=Path("/"),
            guard=self._guard,
            restart=self._restart,
            report=self._report,
            stop_steps=STOP_STEPS,
            user=data.account.user,
            group=data.account.group,
        )

    def _url(self, database: str) -> str:
        data = self._prepared
        return f"postgresql://{USER}:{data.password}@{ports.LOOPBACK}:{data.port}/{database}"

    @property
    def _prepared(self) -> PostgresData:
        if self._data is None:
            raise DevStackError("PostgreSQL was not started.")
        return self._data

    async def __aenter__(self) -> Postgres:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _command(data: PostgresData) -> list[str]:
    settings = {
        "listen_addresses": ports.LOOPBACK,
        "port": str(data.port),
        # A socket file's path may be too long or on a file system without sockets; TCP is enough.
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "64MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return data.account.command("postgres", "-D", str(data.data), *options)
