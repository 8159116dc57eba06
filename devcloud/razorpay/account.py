"""All parts of the stand-in for Razorpay, as its operations see them."""

from __future__ import annotations

from dataclasses import dataclass

from devcloud.clock import VirtualClock
from devcloud.razorpay.settings import Settings
from devcloud.razorpay.state import Store
from devcloud.razorpay.timers import Timers
from devcloud.razorpay.webhooks import Webhooks


@dataclass(frozen=True, kw_only=True)
class Account:
    """`url` is where clients reach the stand-in, without a slash at the end."""

    url: str
    store: Store
    clock: VirtualClock
    timers: Timers
    webhooks: Webhooks

    @property
    def settings(self) -> Settings:
        """The settings now."""
        return self.store.state.settings
