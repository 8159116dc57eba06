"""The settings of integrations, `KSMP_INTEGRATIONS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class KeySettings:
    """Services and their API keys."""

    request_rate: float = setting(50.0, doc="Requests of a service in a second, with all its keys")
    request_burst: int = setting(200, doc="As many at once")
    key_life: float = setting(31_536_000.0, doc="Longest life of an API key, and that of one that says none")
    overlap: float = setting(604_800.0, doc="Longest time for which a key is good after another one replaced it")
    keys_per_service: int = setting(10, doc="Keys of a service that are good at once")


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The server API."""

    message_bytes: int = setting(32 * 1024, doc="Largest `data` of a message that a service publishes")


@dataclass(frozen=True, kw_only=True)
class IntegrationsSettings(KeySettings, ServerSettings):
    """All settings of the module."""
