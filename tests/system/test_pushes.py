"""Each device shows a notification once, whatever FCM answers, and though a gateway is killed: 500 devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.notify.run import SETTINGS, Place, run
from tests.modules.notify.fcm import StandIn
from tests.system.cluster import running

# Shorter, as there is less to do. Batches are small, so that the one that is lost is one of many.
QUICK = SETTINGS | {
    "KSMP_MODULES": "accounts,notify",
    "KSMP_NOTIFY_BATCH": "25",
    "KSMP_NOTIFY_LEASE": "3",
    "KSMP_NOTIFY_INTERVAL": "0.2",
    "KSMP_NOTIFY_FCM_REST": "1",
    "KSMP_NOTIFY_FIRST_WAIT": "0.3",
    "KSMP_NOTIFY_FCM_TIMEOUT": "1.0",
    "KSMP_NOTIFY_FCM_UNSAID_WAIT": "0.5",
}


@pytest.mark.timeout(300)
async def test_each_device_shows_one_though_fcm_fails_and_a_gateway_is_killed(tmp_path: Path, devcloud: str) -> None:
    stand_in = StandIn(devcloud)
    await stand_in.clear()
    extra = QUICK | {
        name: value for name, value in (await stand_in.environ()).items() if name.endswith(("CREDENTIALS", "URL"))
    }
    async with running(tmp_path, extra=extra) as cluster:
        place = Place(
            cluster.postgres.url, devcloud, lambda: [child.pid for child in cluster.gateways if child.pid is not None]
        )
        result = await run(place, 500, seed=1)
    await stand_in.clear()
    await stand_in.aclose()
    print(result)
    assert not result.faults
    assert result.counts["gateways killed"] == 1
    # There was something to judge.
    assert result.counts["devices that show one"] > 400
    assert result.counts["devices that got it twice or more, and show one"] > 0
    assert result.counts["devices removed"] > 10
