"""The settings of notify, `KSMP_NOTIFY_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class SendingSettings:
    """The workers that expand notices and send deliveries."""

    workers: int = setting(2, doc="Workers of each channel on this gateway; 0 leaves sending to other gateways")
    batch: int = setting(500, doc="Most deliveries, or users of an audience, that a worker takes at once")
    lease: float = setting(60.0, doc="How long a worker may take for them before another one looks what became of them")
    interval: float = setting(1.0, doc="Time between two looks for what is due when nothing woke the workers")
    attempts: int = setting(6, doc="Tries of one delivery before it has failed")
    first_wait: float = setting(5.0, doc="Time from a failed try to the next one; it doubles each time")
    most_wait: float = setting(900.0, doc="The longest such time")


@dataclass(frozen=True, kw_only=True)
class NotifySettings(SendingSettings):
    kept_days: int = setting(90, doc="Days after which a notification and what became of it are deleted")
