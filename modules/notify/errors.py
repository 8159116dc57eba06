"""What notify refuses, besides the codes of the core.

notify.not_failed       409: the delivery has not failed, so it is not tried again
notify.expired          409: its time to live is over
notify.too_many_mutes   409: the user has muted as many rooms as they may
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Conflict

NOT_FAILED: Final = "notify.not_failed"
EXPIRED: Final = "notify.expired"
TOO_MANY_MUTES: Final = "notify.too_many_mutes"
TOO_MANY_CAMPAIGNS: Final = "notify.too_many_campaigns"
CAMPAIGN_OVER: Final = "notify.campaign_over"

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    NOT_FAILED: (409,),
    EXPIRED: (409,),
    TOO_MANY_CAMPAIGNS: (409,),
    CAMPAIGN_OVER: (409,),
    TOO_MANY_MUTES: (409,),
}


def not_failed() -> Conflict:
    return Conflict("only a delivery that has failed is tried again", code=NOT_FAILED)


def expired() -> Conflict:
    return Conflict("its time to live is over, so nobody is told any more", code=EXPIRED)


def too_many_mutes(most: int) -> Conflict:
    return Conflict(f"you have muted {most} rooms, and may not mute more", code=TOO_MANY_MUTES)


def too_many_campaigns(most: int) -> Conflict:
    return Conflict(f"{most} campaigns are open; wait until one is done, or stop one", code=TOO_MANY_CAMPAIGNS)


def campaign_over() -> Conflict:
    return Conflict("everybody was told, so there is nothing to stop", code=CAMPAIGN_OVER)
