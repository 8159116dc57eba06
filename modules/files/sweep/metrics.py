"""The metrics of the sweep. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

swept: Final = Counter("ksmp_files_swept", "Files that the sweep has deleted, by why", ["why"])
orphans: Final = Counter(
    "ksmp_files_orphans", "Objects and uploads in parts that no file knew, and that were deleted", ["what"]
)
orphans_left: Final = Gauge(
    "ksmp_files_orphans_left",
    "Unknown objects that the last walk left alone, because there were too many; anything but 0 is an alarm",
    multiprocess_mode="livemax",
)
waiting: Final = Gauge(
    "ksmp_files_deletions_waiting",
    "Files whose object is to be deleted and is still there",
    multiprocess_mode="livemax",
)
last_look: Final = Gauge(
    "ksmp_files_sweep_last_timestamp_seconds", "When this gateway last looked", multiprocess_mode="livemax"
)
