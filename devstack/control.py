"""The stand-in of a running `ksmp dev`, driven by its control endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec

from devstack import razorpay, state
from devstack.errors import DevStackError
from devstack.folder import DataFolder
from devstack.state import State

TIMEOUT = 60.0


class Refusal(msgspec.Struct, frozen=True):
    message: str = "it did not say why"


def running(data: Path) -> State:
    """The state of the `ksmp dev` in this folder. Raises DevStackError when none with a stand-in runs there."""
    try:
        known = state.read(DataFolder(data).state)
    except (OSError, msgspec.DecodeError):
        raise DevStackError(f"No `ksmp dev` runs in {data}; start one with `ksmp dev --data {data}`.") from None
    if not known.aws_endpoint:
        raise DevStackError(f"The `ksmp dev` in {data} runs with --no-cloud: there is no stand-in to drive.")
    return known


def ask(known: State, method: str, path: str, *, failed: str, body: Any = None, **parameters: str) -> bytes:
    """The answer of the stand-in. Raises DevStackError, which begins with `failed`, when it refuses."""
    url = f"{known.aws_endpoint}{path}"
    options: dict[str, Any] = {"json": body} if body is not None else {}
    try:
        answer = httpx.request(
            method,
            url,
            params=parameters,
            auth=(razorpay.KEY_ID, razorpay.KEY_SECRET),
            timeout=TIMEOUT,
            trust_env=False,
            **options,
        )
    except httpx.HTTPError as error:
        raise DevStackError(f"The stand-in does not answer at {url}: {error}.") from None
    if answer.status_code != 200:
        raise DevStackError(f"{failed}: {msgspec.json.decode(answer.content, type=Refusal).message}")
    return answer.content
