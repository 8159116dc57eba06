"""E-mail in `ksmp dev`: gateways send it to the stand-in for SES, and /dev/outbox shows it."""

from __future__ import annotations

from typing import Final

from gateway import registry
from gateway.settings import Settings

MODULE: Final = "notify"
PREFIX: Final = "KSMP_NOTIFY_"
SENDER: Final = "KSMP <no-reply@example.com>"
# The queue to which the stand-in tells what became of mails.
QUEUE: Final = "ksmp-ses-events"


def variables(stand_in: str, settings: Settings, origin: str) -> dict[str, str]:
    """What a gateway that people reach at `origin` is told; nothing without a stand-in or without the module."""
    if not stand_in or MODULE not in (settings.modules or registry.installed()):
        return {}
    return {
        f"{PREFIX}MAIL_FROM": SENDER,
        f"{PREFIX}APP_URL": origin,
        f"{PREFIX}PUBLIC_URL": origin,
        f"{PREFIX}MAIL_CONFIGURATION_SET": "ksmp",
        f"{PREFIX}MAIL_QUEUE": QUEUE,
    }
