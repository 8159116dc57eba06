"""State of a running `ksmp dev`, for others to read: `dev.json` in its data folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec


class Pids(msgspec.Struct, frozen=True, kw_only=True):
    """The process ids, kept up to date when a child is started again."""

    dev: int
    gateways: Sequence[int]
    nats: Sequence[int]
    postgres: int
    devcloud: int = 0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is; the file exists while everything was ready once and nothing was asked to stop.

    `nats_url` lists the servers with commas between; `tokens` are by role. `aws_endpoint` is the stand-in for AWS,
    empty when it was not wanted; what drives it is below `/_devcloud/` there. `scanner` is where its stand-in for clamd
    listens, `host:port`. `razorpay_url` is what gateways take for
    Razorpay, empty when that is Razorpay itself, or nothing. `paid_program` and `coupon` are there to try payments
    with. `module_paths` are the folders of modules that are not installed.
    """

    gateways: Sequence[str]
    session: str
    room: str
    tokens: Mapping[str, str]
    database_url: str
    nats_url: str
    metrics: Sequence[str]
    pids: Pids
    aws_endpoint: str = ""
    scanner: str = ""
    razorpay_url: str = ""
    paid_program: str = ""
    coupon: str = ""
    module_paths: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Replace the file in one step, so that a reader sees all of it or none; only the owner may read it."""
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        fresh.replace(path)


def read(path: Path) -> State:
    """The state as a file holds it. Raises OSError, msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=State)
