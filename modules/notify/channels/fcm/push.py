"""Push, put together: the channel where there are credentials, and what `ksmp doctor` says of it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Kernel
from modules.notify.channels.fcm.channel import FcmChannel
from modules.notify.channels.fcm.service_account import read_account
from modules.notify.devices.devices import DeviceService
from modules.notify.settings import NotifySettings


def push_channel(kernel: Kernel, devices: DeviceService, settings: NotifySettings) -> Sequence[FcmChannel]:
    """The channel, or none where push is off. Built without network IO; raises SettingsError."""
    if not settings.fcm_credentials:
        return ()
    account = read_account(settings.fcm_credentials)
    return (FcmChannel(kernel.database, devices.rows, account, settings, settings.lease),)


def examine_push(settings: NotifySettings) -> str:
    """What is said of the settings. Raises SettingsError."""
    if not settings.fcm_credentials:
        return "Push is off: there are no credentials of FCM"
    account = read_account(settings.fcm_credentials)
    return f"Pushes are sent to {settings.fcm_url} for the project {account.project_id}"
