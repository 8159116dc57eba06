"""The metrics of expansions. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

notifications: Final = Counter("ksmp_notify_notifications", "Notifications written, one for each user of a notice")
