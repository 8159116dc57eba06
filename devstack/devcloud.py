"""The stand-in for AWS and Razorpay as a supervised child: one address, kept between runs because IVS hands it out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from devstack import ports, probe, razorpay
from devstack.errors import DevStackError
from devstack.guard import Guard
from devstack.process import Child, Report

NAME = "devcloud"
HEALTH = "/_devcloud/health"

# S3 checks what is signed with them, and an SDK that finds none refuses to work. What the home folder says is for AWS
# itself.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "devcloud",
    "AWS_SECRET_ACCESS_KEY": "devcloud",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

ACCOUNT = ("--razorpay-key-id", razorpay.KEY_ID, "--razorpay-key-secret", razorpay.KEY_SECRET)


class DevCloud:
    """`python -m devcloud` on loopback, its state under `folder`.

    S3 checks what is signed with CREDENTIALS, and with `access_keys`, secrets by id. It is ready when Razorpay's
    `webhook` is set up, also after it was killed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        region: str,
        guard: Guard,
        report: Report | None = None,
        webhook: razorpay.Webhook | None = None,
        access_keys: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._region = region
        self._webhook = webhook
        known = {CREDENTIALS["AWS_ACCESS_KEY_ID"]: CREDENTIALS["AWS_SECRET_ACCESS_KEY"], **(access_keys or {})}
        self._keys = [word for pair in known.items() for word in ("--access-key", *pair)]
        self._guard = guard
        self._report = report
        self._port = 0
        self._clamd_port = 0
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients reach it; known once prepared."""
        return f"http://{ports.LOOPBACK}:{self._port}"

    @property
    def scanner(self) -> str:
        """Where its stand-in for clamd listens, `host:port`; known once prepared."""
        return f"{ports.LOOPBACK}:{self._clamd_port}"

    @property
    def pid(self) -> int | None:
        """The id of the process, None while it is away."""
        return self._child.pid if self._child is not None else None

    @property
    def up(self) -> bool:
        """Whether it runs and was ready."""
        return self._child is not None and self._child.up

    async def prepare(self) -> None:
        """Choose its port, that of the last run if it is free. Raises DevStackError."""
        self._port = await asyncio.to_thread(self._choose)
        self._clamd_port = ports.choose([self._port])

    async def start(self) -> None:
        """Start and wait until it answers. Raises DevStackError; then it does not run."""
        home = self._folder / NAME
        command = [sys.executable, "-m", NAME, "--host", ports.LOOPBACK, "--port", str(self._port)]
        command += ["--clamd-port", str(self._clamd_port)]
        self._child = Child(
            NAME,
            [*command, "--region", self._region, "--data", str(home), *ACCOUNT, *self._keys],
            folder=self._folder,
            ready=self._ready,
            guard=self._guard,
            report=self._report,
        )
        await self._child.start()

    async def stop(self) -> None:
        """Stop it; what it knows of IVS stays."""
        if self._child is not None:
            await self._child.stop()

    async def _ready(self) -> bool:
        status, _ = await probe.get(self.url + HEALTH)
        return status == 200 and (self._webhook is None or await self._webhook.put(self.url))

    def _choose(self) -> int:
        kept = self._folder / NAME / "port"
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            known = int(kept.read_text()) if kept.exists() else 0
            port = known if known and ports.is_free(known) else ports.choose()
            kept.write_text(f"{port}\n")
        except (OSError, ValueError) as error:
            raise DevStackError(f"The port in {kept} is unusable: {error}; start over with --fresh.") from None
        return port
