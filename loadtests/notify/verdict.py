"""Compares what each device shows, and the rows, with what was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from loadtests.notify.crowd import DEAD, Crowd

ADDRESSES: Final = "SELECT address FROM notify_device WHERE address = ANY($1)"
STATES: Final = """
    SELECT state, reason, count(*) AS count, count(*) FILTER (WHERE sent_at > expires_at) AS late
    FROM notify_delivery JOIN notify_notification AS notification ON notification.id = notification_id
    WHERE notify_delivery.notice_id = $1 GROUP BY state, reason
"""


async def faults(
    crowd: Crowd,
    report: Mapping[str, Sequence[int]],
    database: asyncpg.Pool,
    notice: str,
    counts: Counter[str],
) -> list[str]:
    """Each promise that was broken, as a sentence. Counts what was compared."""
    found = []
    for address, fate in crowd.fates.items():
        posted, got, shown = report.get(address, (0, 0, 0))
        counts["devices"] += 1
        counts["devices that show one"] += shown == 1
        counts["devices that were posted to twice or more"] += posted > 1
        counts["devices that got it twice or more, and show one"] += got > 1 and shown == 1
        if shown > 1:
            found.append(f"{address} ({fate or 'well'}) shows {shown}")
        if shown != 1 and address in crowd.reachable:
            found.append(f"{address} ({fate or 'well'}) shows {shown}, though {posted} were posted to it")
    kept = {row["address"] for row in await database.fetch(ADDRESSES, list(crowd.fates))}
    counts["devices removed"] = len(crowd.fates) - len(kept)
    found += [f"{address} is dead, and is kept" for address in sorted(kept & crowd.dead)]
    alive = {address for address, fate in crowd.fates.items() if fate not in DEAD}
    found += [f"{address} ({crowd.fates[address] or 'well'}) was removed" for address in sorted(alive - kept)]
    deliveries = 0
    for row in await database.fetch(STATES, notice):
        counts[f"deliveries: {row['state']} {row['reason']}".strip()] += row["count"]
        deliveries += row["count"]
        if row["late"]:
            found.append(f"{row['late']} deliveries were sent after their time to live")
    if deliveries != len(crowd.users):
        found.append(f"{deliveries} deliveries were written for {len(crowd.users)} users")
    return found
