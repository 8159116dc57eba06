"""Two gateways for the tests of a room, with limits that a test can reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from ksmp_testkit import MakeGateway, Running

LIMITS = {
    "KSMP_LIVE_QUESTIONS_PER_USER": "2",
    "KSMP_LIVE_QUESTION_CHARACTERS": "40",
    "KSMP_LIVE_HANDS": "3",
    "KSMP_LIVE_HAND_KEPT": "2",
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.5",
    "KSMP_LIVE_POLLS_OPEN": "2",
    "KSMP_LIVE_TALLY_INTERVAL": "0.2",
    "KSMP_LIVE_REACTION_INTERVAL": "0.3",
    "KSMP_LIVE_KICK_SECONDS": "3600",
    "KSMP_LIVE_BAN_LONGEST": "7200",
    "KSMP_LIVE_REASON_CHARACTERS": "20",
    "KSMP_LIVE_LOBBY_PLACES": "2",
    "KSMP_LIVE_AWAY_RATE_COUNT": "4",
    "KSMP_LIVE_AWAY_RATE_SECONDS": "1000",
}


@pytest.fixture(scope="module")
async def nodes(gateway: MakeGateway) -> AsyncIterator[Sequence[Running]]:
    """Two gateways. What happens on one is pushed on the other."""
    # The gateway that hosts use starts last: Piccolo's tables know one engine at a time, the one of their transactions.
    async with gateway(environ=LIMITS) as two, gateway(environ=LIMITS) as one:
        yield one, two
