"""FCM in `ksmp dev`: what gateways are told of the stand-in for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx

from devstack.errors import DevStackError
from gateway import registry
from gateway.settings import Settings

MODULE: Final = "notify"
URL: Final = "KSMP_NOTIFY_FCM_URL"
CREDENTIALS: Final = "KSMP_NOTIFY_FCM_CREDENTIALS"
API: Final = "/fcm"
ACCOUNT: Final = "/_devcloud/fcm/credentials"
TIMEOUT: Final = 5.0


def is_own(environ: Mapping[str, str]) -> bool:
    """Whether these variables name a project at Google, in place of the stand-in's."""
    return URL in environ or CREDENTIALS in environ


async def account(stand_in: str) -> str:
    """The service account of the stand-in at this address. Raises DevStackError."""
    return await asyncio.to_thread(_account, stand_in)


def _account(stand_in: str) -> str:
    try:
        answer = httpx.get(f"{stand_in}{ACCOUNT}", timeout=TIMEOUT, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise DevStackError(f"The stand-in for FCM gives no account: {error}.") from None
    return answer.text


def variables(stand_in: str, account: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What a gateway is told. Nothing without the module, or when `environ` names a project of its own."""
    on = MODULE in (settings.modules or registry.installed())
    if not account or not on or is_own(environ):
        return {}
    return {CREDENTIALS: account, URL: f"{stand_in}{API}"}
