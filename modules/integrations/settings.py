"""The settings of integrations, `KSMP_INTEGRATIONS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import SettingsError, setting


@dataclass(frozen=True, kw_only=True)
class KeySettings:
    """Services and their API keys."""

    request_rate: float = setting(50.0, doc="Requests of a service in a second, with all its keys")
    request_burst: int = setting(200, doc="As many at once")
    key_life: float = setting(31_536_000.0, doc="Longest life of an API key, and that of one that says none")
    overlap: float = setting(604_800.0, doc="Longest time for which a key is good after another one replaced it")
    closed_rooms: tuple[str, ...] = setting(
        ("direct",), doc="Kinds of rooms that no key is for: what people write to each other alone"
    )
    keys_per_service: int = setting(10, doc="Keys of a service that are good at once")


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The server API."""

    message_bytes: int = setting(32 * 1024, doc="Largest `data` of a message that a service publishes")


@dataclass(frozen=True, kw_only=True)
class WebhookSettings:
    """Endpoints, and how webhooks are sent to them."""

    endpoints_per_service: int = setting(10, doc="Endpoints of a service")
    webhooks_at_once: int = setting(50, zero=True, doc="Webhooks that a gateway sends at once; 0 leaves it to others")
    webhooks_per_endpoint: int = setting(5, doc="Webhooks that a gateway sends to one endpoint at once")
    webhook_interval: float = setting(1.0, doc="Time between two looks for webhooks that are due")
    webhook_timeout: float = setting(10.0, doc="How long one webhook may take, from the look-up of the host on")
    webhook_attempts: int = setting(14, doc="Tries of a webhook before it has failed")
    retry_first: float = setting(5.0, doc="Time from the first try to the second; it doubles each time")
    retry_longest: float = setting(21_600.0, doc="The longest such time")
    disable_failures: int = setting(20, doc="Failed tries in a row after which an endpoint may be disabled")
    disable_after: float = setting(
        259_200.0, zero=True, doc="How long an endpoint must have failed, with no success, to be disabled"
    )
    webhook_days: int = setting(30, doc="Days after which a webhook and what became of it are deleted")
    private_addresses: bool = setting(
        False, doc="Whether webhooks may go to `http://` and to addresses that are not public; refused in production"
    )


@dataclass(frozen=True, kw_only=True)
class IntegrationsSettings(KeySettings, ServerSettings, WebhookSettings):
    """All settings of the module."""

    def examine(self, *, production: bool) -> str:
        """Raises SettingsError for what is for development alone."""
        if production and self.private_addresses:
            raise SettingsError(
                "KSMP_INTEGRATIONS_PRIVATE_ADDRESSES is for development: webhooks could reach what others cannot."
            )
        return "webhooks may go to private addresses" if self.private_addresses else ""
