"""The gateway processes of `ksmp dev`: their settings, and each as a supervised child."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import fcm, mail, mixpanel, probe, razorpay
from devstack.address import reached_at, url
from devstack.devcloud import CREDENTIALS
from devstack.guard import Guard
from devstack.ports import LOOPBACK
from devstack.process import Child, Fork, Report
from gateway import registry
from gateway.settings import PREFIX, Settings, environment, read, variable

ISSUER = "https://issuer.ksmp.localhost/dev"
CLIENT_ID = "ksmp-dev"
COMMAND = (sys.executable, "-m", "gateway.cli", "serve")

# A student's click should be answered within this time; what holds the loop longer is worth a line in the log.
STALL_LOG = 0.1
# The setting of a module that may not be there.
SCANNER = "KSMP_FILES_SCANNER"
PRIVATE_ADDRESSES = "KSMP_INTEGRATIONS_PRIVATE_ADDRESSES"
# What each gateway has for itself.
OWN = ("KSMP_PORT", "KSMP_METRICS_ADDRESS")
# Drained within this time, so that a stop of everything stays below ten seconds.
DRAIN = 3.0
STOP_STEPS = ((signal.SIGTERM, 4.5),)
# A process that ends is noticed at once; a machine that is busy may take long.
READY_TIMEOUT = 120.0


def variables(
    port: int,
    *,
    ports: Sequence[int],
    database_url: str,
    nats_url: Sequence[str],
    issuer: Path,
    environ: Mapping[str, str],
    aws_endpoint: str = "",
    scanner: str = "",
    fcm_account: str = "",
    metrics_port: int = 0,
) -> dict[str, str]:
    """The `KSMP_*` variables of the gateway on one port, and what the stand-ins at `aws_endpoint` take for credentials.

    `scanner` is where the stand-in for clamd listens, `fcm_account` who sends by that for FCM. Those of `environ` win,
    except for the ports, which every gateway has for itself; without `metrics_port` the system chooses one. Raises
    SettingsError when they do not make sense.
    """
    host = environ.get(variable("host")) or LOOPBACK
    origins = dict.fromkeys((reached_at(host), LOOPBACK, "localhost"))
    settings = Settings(
        environment="development",
        host=host,
        port=port,
        metrics_address=f"{LOOPBACK}:{metrics_port}",
        log_format="console",
        stall_log=STALL_LOG,
        allowed_origins=tuple(f"http://{name}:{other}" for other in ports for name in origins),
        database_url=database_url,
        nats_url=tuple(nats_url),
        nats_replicas=len(nats_url),
        issuer=ISSUER,
        jwks_url=f"{url(host, port)}/dev/jwks.json",
        client_ids=(CLIENT_ID,),
        development_issuer=str(issuer),
        drain_timeout=DRAIN,
        aws_endpoint=aws_endpoint,
    )
    overrides = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in OWN}
    result = environment(settings) | overrides
    result = razorpay.variables(aws_endpoint, read(Settings, result), overrides) | result
    result = mixpanel.variables(aws_endpoint, read(Settings, result), overrides) | result
    result = fcm.variables(aws_endpoint, fcm_account, read(Settings, result), overrides) | result
    if aws_endpoint and result["KSMP_AWS_ENDPOINT"] == aws_endpoint:
        # Of all gateways the first one: links of a mail lead there.
        result = mail.variables(aws_endpoint, read(Settings, result), url(host, next(iter(ports), port))) | result
    modules = read(Settings, result).modules or registry.installed()
    if scanner and "files" in modules:
        result.setdefault(SCANNER, scanner)
    if "integrations" in modules:
        # A receiver that somebody tries is on this machine.
        result.setdefault(PRIVATE_ADDRESSES, "true")
    if aws_endpoint and result["KSMP_AWS_ENDPOINT"] == aws_endpoint:
        result |= CREDENTIALS
    return result


def urls(ports: Sequence[int], environ: Mapping[str, str]) -> list[str]:
    """Where the gateways on these ports are reached that have these variables."""
    return [url(environ.get(variable("host")) or LOOPBACK, port) for port in ports]


def check(environ: Mapping[str, str]) -> None:
    """Whether gateways would start with these variables, before anything runs; blocks while modules are loaded.

    Raises SettingsError or RegistryError.
    """
    if not any(name.startswith(PREFIX) for name in environ):
        return
    nowhere = variables(1, ports=(), database_url="", nats_url=("",), issuer=Path(), environ=environ)
    modules = registry.enabled(read(Settings, nowhere))
    registry.check_environment(modules, nowhere)


class Gateway:
    """One gateway process, on loopback unless KSMP_HOST says otherwise."""

    def __init__(
        self,
        number: int,
        port: int,
        *,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: Path,
        guard: Guard,
        report: Report,
        fork: Fork | None = None,
    ) -> None:
        self.url = url(variables.get(variable("host"), Settings.host), port)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._child = Child(
            f"gateway-{number}",
            command,
            folder=folder,
            ready=self.ready,
            environ=inherited | dict(variables),
            guard=guard,
            report=report,
            ready_timeout=READY_TIMEOUT,
            stop_steps=STOP_STEPS,
            fork=fork,
        )

    @property
    def pid(self) -> int | None:
        """The id of the process, None while it is away."""
        return self._child.pid

    @property
    def up(self) -> bool:
        """Whether it runs and was ready."""
        return self._child.up

    async def start(self) -> None:
        """Start and wait until it says that it is ready. Raises DevStackError; then it does not run."""
        await self._child.start()

    async def restart(self) -> None:
        """Stop it in order and start it with the code as it is now. Raises DevStackError; then it does not run."""
        await self._child.stop()
        await self._child.start()

    async def stop(self) -> None:
        """Let it drain and end, and kill it when it takes too long."""
        await self._child.stop()

    async def ready(self) -> bool:
        status, _ = await probe.get(f"{self.url}/health/ready")
        return status == 200
