"""A gateway that shows files to the stand-in for clamd, and tries again soon."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.devcloud.aws import Aws

ENVIRON = {
    "KSMP_FILES_BEGIN_RATE_COUNT": "10000",
    "KSMP_FILES_SCAN_TIMEOUT": "0.5",
    "KSMP_FILES_SCAN_FIRST_WAIT": "0.2",
    "KSMP_FILES_SCAN_MOST_WAIT": "1",
    "KSMP_FILES_SCAN_INTERVAL": "0.2",
    "KSMP_FILES_SCAN_BYTES": str(20 * 1024**2),
    "KSMP_FILES_SCAN_PASS_LARGE": "true",
    "KSMP_FILES_SCAN_FAIL_CLOSED": "true",
    "KSMP_FILES_SCAN_PATIENCE": "900",
    "KSMP_FILES_SCAN_AT_ONCE": "4",
    "KSMP_FILES_SCAN_CLAIM": "600",
    "KSMP_FILES_SCAN_BATCH": "50",
}


@pytest.fixture(scope="module")
def environ(scanner: str) -> dict[str, str]:
    return ENVIRON | {"KSMP_FILES_SCANNER": scanner}


@pytest.fixture(autouse=True)
async def scans(aws: Aws) -> AsyncIterator[None]:
    """The scanner is as it should be before and after each test."""
    await aws.drive("PUT", "scanner", json={})
    await aws.drive("DELETE", "faults")
    yield
    await aws.drive("PUT", "scanner", json={})
    await aws.drive("DELETE", "faults")
