"""The composition root: puts the parts of a gateway process together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from gateway import failpoint, registry
from gateway.auth.verifier import TokenVerifier
from gateway.backoff import Backoff
from gateway.bus.connection import NatsBus
from gateway.bus.log import DUPLICATE_WINDOW, RoomLog
from gateway.contract.events import EventObserver
from gateway.contract.filters import Filters
from gateway.contract.module import Module
from gateway.contract.service_keys import ServiceKeys
from gateway.db.archive import PostgresArchive
from gateway.db.archive_follower import FollowedArchive
from gateway.db.database import PostgresDatabase
from gateway.db.migrate import MigrationError, check_applied
from gateway.db.personal_data import KernelPersonalData
from gateway.db.results import CommandResults
from gateway.declarations import Declarations
from gateway.errors import Unavailable
from gateway.events.intakes import ModuleIntakes
from gateway.events.outbox import Outbox
from gateway.events.publisher import ModuleEvents
from gateway.events.runtime import EventRuntime
from gateway.events.schedules import ModuleSchedules
from gateway.events.streams import EventStreams
from gateway.http.authenticator import RequestAuthenticator
from gateway.http.health import ESSENTIAL
from gateway.http.idempotency import IdempotencyKeys
from gateway.http.rates import Rates
from gateway.http.request_metrics import RequestMetrics
from gateway.module_kernel import ModuleKernel
from gateway.realtime.archive import Archiver
from gateway.realtime.cluster_state import ClusterState
from gateway.realtime.command_executor import CommandExecutor
from gateway.realtime.dispatch import Dispatcher
from gateway.realtime.evictions import Evictions
from gateway.realtime.grants import Grants
from gateway.realtime.history import HistoryReader
from gateway.realtime.hub import Hub
from gateway.realtime.identities import ClusterIdentities
from gateway.realtime.joining import Joiner
from gateway.realtime.occupancy import Occupancy
from gateway.realtime.restrictions import Restrictions
from gateway.realtime.revocations import Revocations
from gateway.realtime.rooms import ClusterRooms
from gateway.realtime.sign_in import SignIn
from gateway.realtime.snapshots import Snapshots
from gateway.realtime.user_limits import UserLimits
from gateway.realtime.users import Users
from gateway.settings import Settings, SettingsError, read
from gateway.tasks import end
from gateway.telemetry import stalls
from gateway.telemetry.metrics import Metrics
from gateway.transport.fallback import Fallback
from gateway.transport.realtime import RealtimeHandler

log = structlog.get_logger(__name__)


class Gateway:
    """One gateway process without its HTTP server."""

    def __init__(
        self,
        settings: Settings,
        modules: Sequence[type[Module]],
        *,
        environ: Mapping[str, str] | None = None,
        registry_: CollectorRegistry = REGISTRY,
    ) -> None:
        self.settings = settings
        self.declarations = Declarations(modules)
        # Filled below: the parts of the kernel exist before the modules, which are built with them.
        self.modules: list[Module] = []
        kinds, commands, archived = self.declarations.rooms, self.declarations.commands, self.declarations.archived
        self.metrics = Metrics(registry_)
        self.request_metrics = RequestMetrics(registry_)
        self.bus = NatsBus(settings.nats_url, f"ksmp-gateway-{socket.gethostname()}-{os.getpid()}")
        self.log = RoomLog(
            self.bus,
            replicas=settings.nats_replicas,
            retention=settings.retention,
            publish_timeout=settings.publish_timeout,
        )
        self.database = PostgresDatabase(
            settings.database_url, pool=settings.database_pool, timeout=settings.database_timeout
        )
        self.archive = PostgresArchive(self.database)
        history = HistoryReader(self.log, self.archive, archived, settings.recovery_bytes)
        self.hub = Hub(self.bus, self.log, history, kinds, settings, self.metrics, self._first_sequence)
        self.event_streams = EventStreams.of(self.bus, settings)
        outbox = Outbox(self.database, limit=settings.event_bytes)
        self.cluster_state = ClusterState(self.hub, self.log, self.database, outbox, interval=settings.fact_interval)
        restrictions = Restrictions(self.cluster_state, self.hub, kinds, commands)
        evictions = Evictions(self.cluster_state, self.hub)
        self.access = Revocations(
            self.cluster_state, self.hub, token_life=settings.token_life, leeway=settings.token_leeway
        )
        self.snapshots = Snapshots(
            self.hub, self.log, self.declarations.snapshots, self.metrics, interval=settings.snapshot_interval
        )
        self.occupancy = Occupancy(self.bus, self.hub)
        self.rooms = ClusterRooms(
            self.hub,
            self.log,
            self.archive,
            archived,
            restrictions,
            evictions,
            self.metrics,
            outbox,
            self.snapshots,
            self.declarations.pushes,
            self.occupancy,
        )
        self.verifier = TokenVerifier.of(settings)
        self.grants = Grants(
            kinds,
            self.bus,
            evictions,
            fresh=settings.grant_fresh,
            stale=settings.grant_stale,
            wait=settings.grant_wait,
        )
        joiner = Joiner(self.hub, self.log, self.grants, evictions, restrictions, settings, self.metrics)
        self.users = Users(self.bus, settings.connections_per_user)
        self.filters = Filters()
        sign_in = SignIn(
            self.bus, self.verifier, self.modules, kinds, joiner, self.users, self.access, self.filters, settings
        )
        self.sign_in = sign_in
        self.authenticator = RequestAuthenticator(sign_in.known, lambda: self.declarations.contributed(ServiceKeys))
        self.identities = ClusterIdentities(
            self.cluster_state, KernelPersonalData(self.database), self.modules, sign_in.known.forget
        )
        self.rates = Rates(self.bus, interval=settings.rate_interval, entries=settings.rate_entries)
        self.idempotency = IdempotencyKeys(
            self.database, kept=settings.idempotency_kept, lease=settings.idempotency_lease
        )
        self.results = CommandResults(self.database, kept=DUPLICATE_WINDOW)
        limits = UserLimits(settings.command_rate, settings.command_burst, settings.user_burst_factor)
        executor = CommandExecutor(
            self.hub,
            history,
            self.rooms,
            kinds,
            commands,
            restrictions,
            self.database,
            self.results,
            limits,
            self.metrics,
            page=settings.history_limit,
            patience=settings.publish_timeout,
        )
        self.dispatcher = Dispatcher(joiner, sign_in, executor, self.metrics)
        self.realtime = RealtimeHandler(self.hub, sign_in, self.dispatcher, limits, settings, self.metrics)
        self.fallback = Fallback(self.hub, self.log, sign_in, self.grants, executor, limits, settings, self.metrics)
        for module in modules:
            self.modules.append(self._build(module, outbox, os.environ if environ is None else environ))
        self.declarations.add(self.modules)
        self.event_runtime = EventRuntime(
            self.bus,
            self.event_streams,
            self.database,
            self.rooms.send,
            self.declarations.listeners,
            self.declarations.timers,
            self.declarations.followers,
            self.declarations.intakes,
            settings,
            self.metrics,
        )
        self.archivers = [Archiver(kind, self.archive, self.log, self.metrics) for kind in archived]
        self.state = "starting"
        # The state of all processes that share the port; set by the server of one of several.
        self.processes: Callable[[], str] | None = None
        # Why a module did not start; the server says it in place of a traceback.
        self.failure: registry.RegistryError | MigrationError | None = None
        self._database_up = False
        self._migrations_checked = False
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def described(cls, modules: Sequence[type[Module]]) -> Gateway:
        """One that is never run: for what its modules declare, with the defaults of all settings."""
        nowhere = Settings(database_url="", nats_url=("",), issuer="", jwks_url="https://nowhere", client_ids=("",))
        return cls(nowhere, modules, environ={}, registry_=CollectorRegistry())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the gateway's parts. It starts without NATS and PostgreSQL, and is not ready before NATS is there."""
        failpoint.configure(self.settings.failpoints)
        for module in self.modules:
            self.database.bind(module.tables)
        async with contextlib.AsyncExitStack() as services, contextlib.AsyncExitStack() as stack:
            # After the modules' ends, which may still need a row; and also when a module does not start.
            services.push_async_callback(self._go_down)
            await self.database.start()
            await self._check_migrations()
            for module in self.modules:
                await stack.enter_async_context(self._module(module))
            stack.enter_context(stalls.logged(self.settings.stall_log))
            self._spawn(self._come_up())
            self._spawn(self._watch_database())
            self._spawn(self._identify_again())
            self._spawn(self.idempotency.sweep())
            self._spawn(self.results.sweep())
            yield

    async def drain(self) -> None:
        """Take no new sockets, send the clients elsewhere, and finish what was begun; what hangs is given up."""
        self.state = "draining"
        self.realtime.ready = self.fallback.ready = False
        log.info("gateway.draining", clients=len(self.hub.members))
        started = time.monotonic()
        await asyncio.gather(self._part_from_clients(), self.event_runtime.drain(self.settings.drain_timeout))
        log.info("gateway.drained", clients=len(self.hub.members), seconds=round(time.monotonic() - started, 3))

    async def _part_from_clients(self) -> None:
        await self.hub.drain()
        await self.dispatcher.finish(self.settings.drain_timeout)

    async def ready(self) -> bool:
        """Whether this process serves clients, whatever the others of its gateway do."""
        parts = await self._parts()
        return all(parts[name] == "ok" for name in ESSENTIAL)

    async def check(self) -> dict[str, str]:
        """The state of each part, for `/health/ready`: what a client may meet, whichever process accepts it."""
        parts = await self._parts()
        if self.processes is None:
            return parts
        others = self.processes()
        if others == "starting" and parts["gateway"] == "ok":
            parts["gateway"] = others
        return {**parts, "processes": others}

    async def _parts(self) -> dict[str, str]:
        parts = {
            "gateway": "ok" if self.state == "ready" else self.state,
            "nats": self.bus.state,
            "postgresql": "ok" if self._database_up else "away",
        }
        return parts if self.log.state == "ok" else {**parts, "log": self.log.state}

    def dead(self) -> dict[str, str]:
        """The parts that were away for so long that the process should be started again, for `/health/live`."""
        patience, lost_at = self.settings.bus_dead_after, self.bus.lost_at
        if not patience or lost_at is None or time.monotonic() - lost_at < patience:
            return {}
        return {"nats": "away"}

    def _build(self, module: type[Module], outbox: Outbox, environ: Mapping[str, str]) -> Module:
        """Build a module with a kernel of its own; raises SettingsError and RegistryError."""
        settings = None
        if module.settings_type is not None:
            settings = read(module.settings_type, environ, registry.settings_prefix(module))
        kernel = ModuleKernel(
            self.rooms,
            self.access,
            self.identities,
            ModuleEvents(
                module.name,
                module.emits,
                outbox,
                lambda: self.declarations.contributed(EventObserver),
                self.declarations.followers,
                self._handled_until,
            ),
            ModuleIntakes(
                module.name,
                self.declarations.intakes,
                self.bus,
                self.event_streams,
                self._handled_until,
                limit=self.settings.intake_message_bytes,
            ),
            ModuleSchedules(module.name, self.declarations.timers, self.database, outbox),
            self.filters,
            self.database,
            FollowedArchive(self.database),
            self.declarations,
            settings,
            self.settings,
        )
        try:
            return module(kernel)
        except SettingsError:
            raise
        except Exception as error:
            raise registry.RegistryError(f"Module {module.name} cannot be built: {error!r}.") from error

    async def _handled_until(self, name: str) -> datetime:
        # The runtime is built after the modules.
        return await self.event_runtime.handled_until(name)

    @contextlib.asynccontextmanager
    async def _module(self, module: Module) -> AsyncIterator[None]:
        try:
            context = module.lifespan()
            await context.__aenter__()
        except Exception as error:
            log.exception("module.start_failed", module=module.name)
            self.failure = registry.RegistryError(f"Module {module.name} failed to start: {error!r}.")
            raise self.failure from error
        try:
            yield
        finally:
            await context.__aexit__(None, None, None)

    async def _come_up(self) -> None:
        await self._until_available(self.bus.connect)
        await self._until_available(lambda: self.log.start(self._first_sequence))
        await self.hub.start()
        await self.cluster_state.start()
        await self.users.start()
        await self.occupancy.start()
        await self.grants.start()
        await self.rates.start()
        for archiver in self.archivers:
            archiver.start()
        self.event_runtime.start()
        if self.state == "starting":
            self.state = "ready"
            self.realtime.ready = self.fallback.ready = True
        self.metrics.bus_up.set(1)
        loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
        log.info("gateway.ready", epoch=self.log.epoch, modules=[module.name for module in self.modules], loop=loop)

    async def _until_available(self, begin: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff(0.5, 2.0)
        while True:
            try:
                return await begin()
            except Unavailable as error:
                log.warning("gateway.waiting", reason=error.message)
                await asyncio.sleep(backoff.next())

    async def _go_down(self) -> None:
        await end(self._tasks)
        self.rates.stop()
        await self.event_runtime.stop()
        for archiver in self.archivers:
            await archiver.stop()
        await self.cluster_state.stop()
        await self.snapshots.stop()
        await self.hub.stop()
        await self.bus.close()
        await self.verifier.close()
        await self.database.stop()

    async def _check_migrations(self) -> None:
        """Raise MigrationError when one was edited after the database applied it; checked as soon as it answers."""
        if self._migrations_checked:
            return
        try:
            await check_applied(self.settings.database_url, [type(module) for module in self.modules])
        except Unavailable as error:
            log.info("gateway.migrations_unchecked", reason=error.message)
            return
        except MigrationError as error:
            self.failure = error
            raise
        self._migrations_checked = True

    async def _watch_database(self) -> None:
        while True:
            try:
                await self.database.ping()
                self._database_up = True
                await self._check_migrations()
            except Unavailable:
                self._database_up = False
            except MigrationError as error:
                # Too late to refuse to start: readiness says 503 from now on.
                log.error("gateway.migration_edited", reason=str(error))
                self._migrations_checked = True
                self.state = "failed"
                self.realtime.ready = self.fallback.ready = False
            self.metrics.database_up.set(int(self._database_up))
            self.metrics.log_up.set(int(self.log.state == "ok"))
            await asyncio.sleep(1.0)

    async def _identify_again(self) -> None:
        """Nobody goes by their token alone for longer than PostgreSQL is away."""
        while True:
            await asyncio.sleep(1.0)
            if self._database_up:
                self.sign_in.known.ask_again()
                try:
                    await self.sign_in.identify_again()
                except Exception:
                    log.exception("sign_in.identify_failed")

    async def _first_sequence(self) -> int:
        return await self.archive.last() + 1

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_report)
        self._tasks.append(task)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("gateway.task_failed", exc_info=error)
