"""The life of a campaign.

    waiting ──its moment──► running ──nothing is left──► done
       └─────────────stop──────┴──────► stopped

It is `running` while its audience is read, and while a delivery may still be sent: those that wait for the end of quiet
hours count. Whoever stops it takes its notice back: nobody is sent it from then on, and it goes from the lists.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class CampaignState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


OPEN: Final = frozenset({CampaignState.WAITING, CampaignState.RUNNING})
