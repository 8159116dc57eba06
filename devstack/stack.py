"""Everything `ksmp dev` runs, started in the order of need and stopped in reverse."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from devstack import fcm, gateways, ports, razorpay
from devstack.devcloud import DevCloud
from devstack.errors import DevStackError
from devstack.folder import DataFolder
from devstack.gateways import Gateway
from devstack.guard import Guard
from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from devstack.state import Pids, State
from devstack.task_group import run_all
from gateway.settings import Settings, read

Prepare = Callable[[Settings], Awaitable[Mapping[str, str]]]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `ksmp dev`: `gateways` processes on `port` and the ports above it.

    `cloud` is whether AWS and Razorpay are stood in for. `modules` are folders of modules that are not installed. With
    `reload` the gateways restart when code changes.
    """

    data: Path = Path(".ksmp")
    port: int = 8000
    gateways: int = 2
    nats_nodes: int = 1
    cloud: bool = True
    modules: tuple[Path, ...] = ()
    reload: bool = False
    fresh: bool = False

    @property
    def ports(self) -> list[int]:
        return list(range(self.port, self.port + self.gateways))


async def prepare_database(settings: Settings) -> Mapping[str, str]:
    """Bring the tables of the modules up to date and put in what a first look needs; returns its names."""
    from prometheus_client import CollectorRegistry

    from devstack.people import people
    from devstack.seed import seed
    from gateway import app, registry
    from gateway.db.migrate import migrate

    modules = registry.enabled(settings)
    await migrate(settings.database_url, modules)
    built = app.Gateway(settings, modules, environ={}, registry_=CollectorRegistry())
    return await seed(built.database, built.modules, people())


def _tokens(folder: Path) -> dict[str, str]:
    # Loading what signs takes as long as PostgreSQL to start, so the two happen at once.
    from devstack.people import tokens

    return tokens(folder)


class Stack:
    """PostgreSQL, NATS, the stand-in for AWS and Razorpay, and the gateways in one data folder, which is claimed.

    `dev.json` exists from when all are ready until `stop`, and names the present process ids.
    """

    def __init__(
        self,
        options: Options,
        folder: DataFolder,
        *,
        guard: Guard,
        environ: Mapping[str, str],
        say: Say,
        command: Sequence[str] = gateways.COMMAND,
        prepare: Prepare = prepare_database,
    ) -> None:
        self._options = options
        self._folder = folder
        self._guard = guard
        self._environ = environ
        self._say = say
        self._command = command
        self._prepare = prepare
        self._postgres = Postgres(folder.path, guard=guard, report=self._report)
        self._nats = NatsCluster(folder.path, nodes=options.nats_nodes, guard=guard, report=self._report)
        region = environ.get("KSMP_AWS_REGION", Settings.aws_region)
        self._cloud: DevCloud | None = None
        if options.cloud:
            webhook = razorpay.webhook(gateways.urls(options.ports, environ), environ)
            self._cloud = DevCloud(folder.path, region=region, guard=guard, report=self._report, webhook=webhook)
        self._fcm_account = ""
        self._gateways: list[Gateway] = []
        self._metrics: dict[int, int] = {}
        self._tokens: dict[str, str] = {}
        self._state: State | None = None

    async def start(self) -> None:
        """Start everything, a line a step. Raises DevStackError or SettingsError; `stop` ends what runs then."""
        begun = time.monotonic()
        if self._cloud is not None:
            await self._cloud.prepare()
        await run_all(self._start_postgres(), self._start_nats(), self._start_cloud(), self._sign_tokens())
        for port in self._options.ports:
            self._metrics[port] = ports.choose(self._metrics.values())
        variables = {port: self._variables(port) for port in self._options.ports}
        settings = read(Settings, variables[self._options.port])
        names = await self._prepare(settings)
        self._say("The database is up to date")
        self._gateways = [
            Gateway(
                number,
                port,
                command=self._command,
                variables=variables[port],
                folder=self._folder.path,
                guard=self._guard,
                report=self._report,
            )
            for number, port in enumerate(self._options.ports, 1)
        ]
        await run_all(*(self._start_gateway(gateway) for gateway in self._gateways))
        session = names.get("session", "")
        self._state = State(
            gateways=[gateway.url for gateway in self._gateways],
            session=session,
            room=f"session:{session}" if session else "",
            tokens=self._tokens,
            database_url=self._postgres.url,
            nats_url=",".join(self._nats.urls),
            metrics=[f"http://{ports.LOOPBACK}:{port}/metrics" for port in self._metrics.values()],
            pids=self._pids(),
            aws_endpoint=self._aws_endpoint,
            scanner=self._scanner,
            razorpay_url=variables[self._options.port].get(razorpay.URL, ""),
            paid_program=names.get("paid_program", ""),
            coupon=names.get("coupon", ""),
            module_paths=settings.module_paths,
        )
        self._write_state()
        self._say(f"Ready after {time.monotonic() - begun:.1f} s:")
        for gateway in self._gateways:
            self._say(f"  {gateway.url}")
        self._say(f"Addresses, tokens and process ids are in {self._folder.state}, logs in {self._folder.logs}")

    async def reload(self) -> None:
        """Start the gateways again whenever their code changes, until cancelled. PostgreSQL and NATS run on.

        A new migration is applied first. One gateway goes before the others: where it fails they go on with the old
        code until the next change.
        """
        from devstack import reload

        variables = self._variables(self._options.port)
        watched = await asyncio.to_thread(reload.code_of, read(Settings, variables))
        self._say(f"Changes are watched for in {', '.join(sorted(map(str, watched)))}")
        async for changed in reload.changes(watched):
            self._say(f"{', '.join(sorted(path.name for path in changed))} changed; the gateways start again")
            try:
                if any(path.suffix == reload.MIGRATION for path in changed):
                    await reload.migrate(variables, group=self._guard.group)
                first, *others = self._gateways
                await first.restart()
                await run_all(*(gateway.restart() for gateway in others))
            except DevStackError as error:
                self._say(str(error))
            else:
                self._say(f"{len(self._gateways)} gateway(s) run the new code")
            self._update_state()

    async def stop(self) -> None:
        """Stop the gateways, then NATS and the stand-in for AWS, then PostgreSQL; at most ten seconds in all."""
        self._state = None
        with suppress(OSError):
            await asyncio.to_thread(self._folder.state.unlink, missing_ok=True)
        await asyncio.gather(*(gateway.stop() for gateway in self._gateways))
        await asyncio.gather(self._nats.stop(), *([self._cloud.stop()] if self._cloud is not None else []))
        await self._postgres.stop()

    async def _start_postgres(self) -> None:
        await self._postgres.start()
        self._say(f"PostgreSQL listens on {ports.LOOPBACK}:{self._postgres.port}")

    async def _start_nats(self) -> None:
        await self._nats.start()
        self._say(f"NATS listens on {', '.join(url.removeprefix('nats://') for url in self._nats.urls)}")

    async def _start_cloud(self) -> None:
        if self._cloud is not None:
            await self._cloud.start()
            self._fcm_account = await fcm.account(self._cloud.url)
            self._say(f"The stand-in for AWS, FCM, Mixpanel and Razorpay listens on {self._cloud.url}")

    async def _sign_tokens(self) -> None:
        self._tokens = await asyncio.to_thread(_tokens, self._folder.issuer)

    async def _start_gateway(self, gateway: Gateway) -> None:
        await gateway.start()
        self._say(f"A gateway listens on {gateway.url}")

    def _variables(self, port: int) -> dict[str, str]:
        return gateways.variables(
            port,
            ports=self._options.ports,
            database_url=self._postgres.url,
            nats_url=self._nats.urls,
            issuer=self._folder.issuer,
            environ=self._environ,
            aws_endpoint=self._aws_endpoint,
            scanner=self._scanner,
            fcm_account=self._fcm_account,
            metrics_port=self._metrics.get(port, 0),
        )

    @property
    def _aws_endpoint(self) -> str:
        return self._cloud.url if self._cloud is not None else ""

    @property
    def _scanner(self) -> str:
        return self._cloud.scanner if self._cloud is not None else ""

    def _report(self, line: str) -> None:
        """Tell of a child; called by what starts it again, which must go on whatever happens here."""
        self._say(line)
        self._update_state()

    def _update_state(self) -> None:
        try:
            self._write_state()
        except DevStackError as error:
            self._say(str(error))

    def _write_state(self) -> None:
        """Write the present process ids, unless a child is away: its return is reported as well.

        Raises DevStackError.
        """
        servers_up = self._postgres.up and self._nats.up and (self._cloud is None or self._cloud.up)
        if self._state is not None and servers_up and all(gateway.up for gateway in self._gateways):
            self._state = msgspec.structs.replace(self._state, pids=self._pids())
            try:
                self._state.write(self._folder.state)
            except OSError as error:
                raise DevStackError(f"{self._folder.state} cannot be written: {error.strerror}.") from None

    def _pids(self) -> Pids:
        return Pids(
            dev=os.getpid(),
            gateways=[gateway.pid or 0 for gateway in self._gateways],
            nats=self._nats.pids,
            postgres=self._postgres.pid or 0,
            devcloud=(self._cloud.pid or 0) if self._cloud is not None else 0,
        )
