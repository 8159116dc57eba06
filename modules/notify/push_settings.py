"""The settings of devices and of FCM, `KSMP_NOTIFY_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class DeviceSettings:
    """The devices of a user."""

    devices: int = setting(10, doc="Most devices of a user; the one that was not seen for longest goes")
    device_days: int = setting(90, doc="Days after which a device is removed that has not been seen")


@dataclass(frozen=True, kw_only=True)
class FcmSettings:
    """Firebase Cloud Messaging. Without credentials there is no push."""

    fcm_credentials: str = setting(
        "", secret=True, doc="The service account that sends pushes, as JSON from Google's console; empty: no push"
    )
    fcm_url: str = setting("https://fcm.googleapis.com", https=True, doc="Where FCM is")
    fcm_connections: int = setting(64, doc="Messages to FCM that a process has open at once")
    fcm_timeout: float = setting(10.0, doc="How long FCM may take to answer; then the outcome is unknown")
    fcm_per_minute: int = setting(600_000, doc="Messages a minute of all gateways together, as FCM's quota says")
    fcm_answer_bytes: int = setting(64 * 1024, doc="Size at which an answer of FCM is not read on")
    fcm_failures: int = setting(20, doc="Failures in a row after which FCM is left alone for a while")
    fcm_rest: float = setting(10.0, doc="How long FCM is left alone then, and the token endpoint after a refusal")
    fcm_unsaid_wait: float = setting(60.0, doc="How long a message waits whose quota is used up, when FCM does not say")


@dataclass(frozen=True, kw_only=True)
class PushSettings(DeviceSettings, FcmSettings):
    """Both."""
