"""The rules of a channel, from the settings."""

from __future__ import annotations

from datetime import timedelta

from modules.notify.decide.facts import Rules
from modules.notify.facade import EMAIL
from modules.notify.settings import ReadingSettings


def rules_of(channel: str, settings: ReadingSettings) -> Rules:
    """What the platform says of a channel."""
    mail = channel == EMAIL
    return Rules(
        held=channel not in settings.free_channels,
        hour_cap=settings.email_hour_cap if mail else settings.hour_cap,
        day_cap=settings.email_day_cap if mail else settings.day_cap,
        digest_hour=settings.digest_hour,
        ask_again=timedelta(seconds=settings.ask_again),
    )
