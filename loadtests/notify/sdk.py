"""CPU a message: our sender and firebase-admin, each alone in a process, to the same stand-in: `SAMPLE` messages."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from datetime import timedelta
from typing import Any, Final

import firebase_admin
import httpx
import msgspec
from firebase_admin import credentials, messaging

from gateway import clock
from modules.notify.channels.fcm.sender import FcmSender
from modules.notify.channels.fcm.service_account import read_account
from modules.notify.devices.address import Address
from modules.notify.devices.messages import Platform
from modules.notify.facade import Kind, Outgoing
from modules.notify.push_settings import FcmSettings

BATCH: Final = 500
KIND: Final = Kind(name="bench.told", data=msgspec.Struct, title="Algebra begins now")


async def by_sdk(account: dict[str, Any], url: str, count: int) -> int:
    """How many were sent. The SDK has no setting for where FCM is."""
    messaging._MessagingService.FCM_URL = f"{url}/v1/projects/{{0}}/messages:send"
    app = firebase_admin.initialize_app(credentials.Certificate(account))
    sent = 0
    for start in range(0, count, BATCH):
        batch = [
            messaging.Message(
                data={"notification_id": str(number), "title": "Algebra begins now", "tag": str(number)},
                android=messaging.AndroidConfig(ttl=timedelta(hours=1), priority="high"),
                fid=f"sdk-{number}",
            )
            for number in range(start, min(start + BATCH, count))
        ]
        sent += (await messaging.send_each_async(batch, app=app)).success_count
    return sent


async def by_us(account: dict[str, Any], url: str, count: int) -> int:
    sender = FcmSender(read_account(json.dumps(account)), FcmSettings(fcm_url=url))
    until = clock.now() + timedelta(hours=1)
    sent = 0
    for start in range(0, count, BATCH):
        batch = [
            (
                Outgoing(
                    id=str(number),
                    notification_id=str(number),
                    kind=KIND,
                    subject="s",
                    user_id="u",
                    title=KIND.title if isinstance(KIND.title, str) else "",
                    body="",
                    link="/",
                    data={},
                    language="en",
                    time_zone="UTC",
                    expires_at=until,
                ),
                Address(str(number), Platform.ANDROID, "fid", f"us-{number}"),
            )
            for number in range(start, min(start + BATCH, count))
        ]
        results = await asyncio.gather(*(sender.post(each, address) for each, address in batch))
        sent += sum(result.fate == "sent" for result in results)
    await sender.close()
    return sent


def measure(who: str, stand_in: str, count: int) -> dict[str, float]:
    """Send so many, and say what that took; in a process of its own, which imports and starts before."""
    account = httpx.get(f"{stand_in}/_devcloud/fcm/credentials", trust_env=False).raise_for_status().json()
    sending = by_sdk if who == "sdk" else by_us
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    sent = asyncio.run(sending(account, f"{stand_in}/fcm", count))
    after, took = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - begun
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"sent": sent, "cpu_ms": cpu * 1000 / count, "per_second": count / took}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
