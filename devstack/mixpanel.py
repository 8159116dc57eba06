"""Mixpanel in `ksmp dev`: what gateways are told of the stand-in for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway import registry
from gateway.settings import Settings

MODULE: Final = "analytics"
PREFIX: Final = "KSMP_ANALYTICS_MIXPANEL_"
API: Final = "/mixpanel"
# The project of the stand-in, which keeps nothing over a restart.
PROJECT: Final = {
    "PROJECT": "1000001",
    "ACCOUNT": "ksmp-dev.service.mp-service-account",
    "SECRET": "ksmp-dev-service-secret",
    "TOKEN": "ksmp-dev-project-token",
    "DELETION_TOKEN": "ksmp-dev-deletion-token",
    # Its deletions end at the second look.
    "PATIENCE": "5.0",
}


def is_own(environ: Mapping[str, str]) -> bool:
    """Whether these variables name a project at Mixpanel, in place of the stand-in's."""
    return any(name.startswith(PREFIX) for name in environ)


def variables(stand_in: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What a gateway is told.

    Nothing without a stand-in or the module, or when `environ` names a project of its own.
    """
    on = MODULE in (settings.modules or registry.installed())
    if not stand_in or not on or is_own(environ):
        return {}
    url = f"{stand_in}{API}"
    return {f"{PREFIX}{name}": value for name, value in {**PROJECT, "URL": url, "APP_URL": url}.items()}
