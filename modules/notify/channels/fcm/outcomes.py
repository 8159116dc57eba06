"""The outcome of a delivery, of what became of it at each device."""

from __future__ import annotations

from collections.abc import Sequence

from modules.notify.channels.fcm.answers import Fate, Result
from modules.notify.facade import DeliveryState, Outcome, SkipReason


def outcome_of(id: str, results: Sequence[Result]) -> Outcome:
    """What counts is, in this order: a device that may have it, one that is tried again, and one that has it.

    `reached` says that one device has it already, whatever becomes of the others.
    """
    by_fate = {fate: [result for result in results if result.fate is fate] for fate in Fate}
    sent, unknown, later = by_fate[Fate.SENT], by_fate[Fate.UNKNOWN], by_fate[Fate.LATER]
    if open_ := unknown + later:
        waits = [result.retry_after for result in open_ if result.retry_after is not None]
        return Outcome(
            id=id,
            state=DeliveryState.UNKNOWN if unknown else DeliveryState.WAITING,
            reason=open_[0].reason,
            retry_after=max(waits, default=None),
            counted=any(result.counted for result in open_),
            reached=bool(sent),
        )
    if sent:
        return Outcome(id=id, state=DeliveryState.SENT, vendor_id=sent[0].vendor_id)
    if failed := by_fate[Fate.FAILED]:
        if all(result.reason == SkipReason.EXPIRED for result in failed):
            return Outcome(id=id, state=DeliveryState.SKIPPED, reason=SkipReason.EXPIRED)
        return Outcome(id=id, state=DeliveryState.FAILED, reason=failed[0].reason)
    # The user has no device, or has none any more.
    return Outcome(id=id, state=DeliveryState.SKIPPED, reason=SkipReason.NO_ADDRESS)
