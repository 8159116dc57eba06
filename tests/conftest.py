"""What every test of this repository has; the fixtures come from ksmp_testkit."""

from __future__ import annotations

import os

import hypothesis

# A change is judged by the same examples each time; on a developer's machine new ones are tried.
hypothesis.settings.register_profile(
    "ksmp",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ksmp")
