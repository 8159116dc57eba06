"""The metrics of archives. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

archives: Final = Counter("ksmp_assignments_archives", "Archives of submissions", ["outcome"])
