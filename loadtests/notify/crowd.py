"""The devices: whose they are, and what FCM does for each."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import httpx

# How many in a thousand; the others just get what they are sent.
SHARES: Final = {
    "unregistered": 50,
    "invalid_token": 20,
    "invalid_argument": 10,
    "sender_id_mismatch": 10,
    "unavailable": 20,
    "internal": 20,
    "quota": 10,
    "unauthenticated": 2,
    "html": 20,
    "html_ok": 20,
    "cut": 20,
    "hang": 5,
}
# Dead for good, and what FCM says for good that is no device's fault.
DEAD: Final = frozenset({"unregistered", "invalid_token"})
REFUSED: Final = frozenset({"invalid_argument", "sender_id_mismatch"})
# The user of every third device has the one before, too.
PAIRED: Final = 3
# FCM's own wait, once in the whole run: all gateways wait with it.
ASKED_WAIT: Final = 1.0
USERS: Final = """
    INSERT INTO account_user (id, name, role)
    SELECT id, 'N', 'student' FROM unnest($1::text[]) AS id ON CONFLICT DO NOTHING
"""
DEVICES: Final = """
    INSERT INTO notify_device (installation, user_id, platform, address_kind, address, registered_at, seen_at)
    SELECT installation, user_id, platform, 'token', address, now(), now()
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS told (installation, user_id, platform, address)
"""


@dataclass(frozen=True)
class Crowd:
    """All addresses, what FCM does for those that are not well, and the users behind them."""

    users: list[str]
    fates: dict[str, str]
    owners: dict[str, str]

    @property
    def dead(self) -> set[str]:
        return {address for address, fate in self.fates.items() if fate in DEAD}

    @property
    def reachable(self) -> set[str]:
        return {address for address, fate in self.fates.items() if fate not in DEAD | REFUSED}


def drawn(count: int, seed: int) -> Crowd:
    """A crowd with so many devices; the same seed gives the same."""
    rng = random.Random(seed)
    names, weights = [*SHARES, ""], [*SHARES.values(), 1000 - sum(SHARES.values())]
    fates, owners = {}, {}
    user = ""
    for number in range(count):
        address = f"device-{seed}-{number:06}"
        if not user or number % PAIRED:
            user = f"crowd-{seed}-{number:06}"
        owners[address] = user
        fates[address] = rng.choices(names, weights)[0]
    return Crowd(users=list(dict.fromkeys(owners.values())), fates=fates, owners=owners)


async def register(crowd: Crowd, database: asyncpg.Pool) -> None:
    """Write the users and their devices, as many sign-ins would."""
    platforms = ("android", "ios", "web")
    addresses = list(crowd.owners)
    await database.execute(USERS, crowd.users)
    await database.execute(
        DEVICES,
        addresses,
        list(crowd.owners.values()),
        [platforms[number % 3] for number in range(len(addresses))],
        addresses,
    )


def faults(crowd: Crowd, hang: float) -> dict[str, dict[str, Any]]:
    """What the stand-in is told. What passes happens once to each device; `hang` is longer than a gateway waits."""
    told: dict[str, dict[str, Any]] = {}
    waits = iter((ASKED_WAIT,))
    for address, fate in crowd.fates.items():
        if not fate:
            continue
        told[address] = {"fault": fate, "times": 0 if fate in DEAD | REFUSED else 1}
        if fate == "hang":
            told[address]["hang"] = hang
        if fate == "quota" and (wait := next(waits, None)) is not None:
            told[address]["retry_after"] = wait
    return told


async def make_ill(crowd: Crowd, http: httpx.AsyncClient, hang: float) -> None:
    answer = await http.put("/_devcloud/fcm/faults", json=faults(crowd, hang))
    answer.raise_for_status()
