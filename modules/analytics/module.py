"""What the analytics module consists of."""

from __future__ import annotations

from pathlib import Path

from gateway.contract import Kernel, Module
from modules.analytics import errors
from modules.analytics.settings import AnalyticsSettings


class AnalyticsModule(Module):
    """Figures of classes, programs and the business, live and after."""

    name = "analytics"
    requires = ("accounts", "programs", "live", "notify")
    settings_type = AnalyticsSettings
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.settings: AnalyticsSettings = kernel.settings(AnalyticsSettings)
