"""What the notify module consists of."""

from __future__ import annotations

from pathlib import Path

from gateway.contract import Kernel, Module
from modules.notify import errors
from modules.notify.settings import NotifySettings


class NotifyModule(Module):
    """Notifications in the app, by push and by e-mail, of kinds that other modules contribute."""

    name = "notify"
    requires = ("accounts",)
    settings_type = NotifySettings
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.settings: NotifySettings = kernel.settings(NotifySettings)
