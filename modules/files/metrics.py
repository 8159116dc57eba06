"""The metrics of files. The gateways of one process share them."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

# From a text to a recorded lesson.
BYTES: Final = (10e3, 100e3, 1e6, 5e6, 20e6, 100e6, 500e6, 2e9, 10e9)

begun: Final = Counter("ksmp_files_begun", "Uploads that were allowed", ["purpose", "method"])
refused: Final = Counter("ksmp_files_refused", "Uploads that were refused before they began", ["reason"])
stored: Final = Counter("ksmp_files_stored", "Uploads that were checked and are kept", ["purpose"])
stored_bytes: Final = Counter("ksmp_files_stored_bytes", "Their bytes", ["purpose"])
sizes: Final = Histogram("ksmp_files_size_bytes", "Sizes of files that were stored", buckets=BYTES)
rejected: Final = Counter("ksmp_files_rejected", "Files that a check or the scanner refused", ["reason"])
renditions: Final = Counter("ksmp_files_renditions", "Images of which pictures were made, or could not be", ["outcome"])
unavailable: Final = Counter("ksmp_files_unavailable", "Requests that failed because S3 did not answer", ["what"])
